import { CronExpressionParser, type CronExpression } from 'cron-parser';
import { DAY_MS, ZoneClock } from '../streams/hours/zoneClock.ts';
import type { Slots } from './slots.ts';

const HOURS_OF_A_DAY = 24;
/** Each costs about a tenth of a millisecond, in which the agent does nothing else. */
const MOST_COUNTED = 1_000;

/**
 * Slots of a cron pattern, in BullMQ's dialect: 5 fields, or 6 with seconds first.
 *
 * The pattern is read on the wall clock of its zone, and each wall time becomes a moment by itself.
 * (The parser's own way over a clock change depends on where it is asked to begin, so that two
 * processes would find different slots.) On the days on which clocks change:
 * - a pattern that names all 24 hours follows real time: nothing in an hour that is left out, and
 *   both times in an hour that comes twice;
 * - any other pattern comes once for each wall time it names: one that is left out is as much later as
 *   clocks are put forward (02:30 is 03:30), and of one that comes twice the first counts.
 */
export class CronSlots implements Slots {
  readonly mostCounted = MOST_COUNTED;
  /** Reads the pattern on a clock without changes. */
  private readonly wall: CronExpression;
  private readonly zone: ZoneClock;
  private readonly followsRealTime: boolean;

  /**
   * @param timezone IANA name; left out, that of this host
   * @param hashSeed makes `H` the same in every process
   * @throws Error for a pattern that can not be read
   */
  constructor(pattern: string, timezone: string | undefined, hashSeed: string) {
    this.wall = CronExpressionParser.parse(pattern, { tz: 'UTC', hashSeed });
    this.zone = new ZoneClock(timezone ?? new Intl.DateTimeFormat().resolvedOptions().timeZone);
    this.followsRealTime = this.wall.fields.hour.values.length === HOURS_OF_A_DAY;
  }

  next(afterMs: number): number {
    let best: number | undefined;
    let wallMs = afterMs + Math.min(...this.offsetsAround(afterMs));
    for (;;) {
      wallMs = this.nextWall(wallMs);
      const [before, after] = this.offsetsAround(wallMs);
      // Near a clock change a later wall time may be an earlier moment, elsewhere not.
      if (best !== undefined && wallMs - Math.max(before, after) > best) return best;
      for (const atMs of this.momentsOf(wallMs, before, after)) {
        if (atMs > afterMs && (best === undefined || atMs < best)) best = atMs;
      }
      if (best !== undefined && before === after) return best;
    }
  }

  latest(atMs: number): number {
    let best: number | undefined;
    let wallMs = atMs + Math.max(...this.offsetsAround(atMs)) + 1;
    for (;;) {
      wallMs = this.wallBefore(wallMs);
      const [before, after] = this.offsetsAround(wallMs);
      if (best !== undefined && wallMs - Math.min(before, after) < best) return best;
      for (const slotMs of this.momentsOf(wallMs, before, after)) {
        if (slotMs <= atMs && (best === undefined || slotMs > best)) best = slotMs;
      }
      if (best !== undefined && before === after) return best;
    }
  }

  count(afterMs: number, upToMs: number, most: number): number {
    let count = 0;
    let slotMs = this.next(afterMs);
    while (slotMs <= upToMs && count < most) {
      count += 1;
      slotMs = this.next(slotMs);
    }
    return count;
  }

  /** What the wall clock is ahead of UTC, a day before a time and a day after it. */
  private offsetsAround(atMs: number): [before: number, after: number] {
    return [this.zone.offsetMs(atMs - DAY_MS), this.zone.offsetMs(atMs + DAY_MS)];
  }

  /** When a wall time is due: mostly one moment. */
  private momentsOf(wallMs: number, before: number, after: number): number[] {
    if (before === after) return [wallMs - before];
    const showing = [wallMs - before, wallMs - after].filter(
      (atMs) => atMs + this.zone.offsetMs(atMs) === wallMs,
    );
    if (this.followsRealTime) return showing;
    return [showing.length === 0 ? wallMs - before : Math.min(...showing)];
  }

  /** The first wall time of the pattern after this one. */
  private nextWall(wallMs: number): number {
    this.wall.reset(new Date(wallMs));
    return this.wall.next().getTime();
  }

  /** The last wall time of the pattern before this one. */
  private wallBefore(wallMs: number): number {
    this.wall.reset(new Date(wallMs));
    return this.wall.prev().getTime();
  }
}
