import { CronExpressionParser, type CronExpression } from 'cron-parser';
import { DAY_MS, ZoneClock } from '../streams/hours/zoneClock.ts';
import type { Slots } from './slots.ts';

const HOURS_OF_A_DAY = 24;

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
      // Near a clock change a later wall time may be an earlier moment.
      if (best !== undefined && wallMs > best + Math.max(...this.offsetsAround(best))) return best;
      for (const atMs of this.momentsOf(wallMs)) {
        if (atMs > afterMs && (best === undefined || atMs < best)) best = atMs;
      }
    }
  }

  latest(atMs: number): number {
    let best: number | undefined;
    let wallMs = atMs + Math.max(...this.offsetsAround(atMs)) + 1;
    for (;;) {
      wallMs = this.wallBefore(wallMs);
      if (best !== undefined && wallMs < best + Math.min(...this.offsetsAround(best))) return best;
      for (const slotMs of this.momentsOf(wallMs)) {
        if (slotMs <= atMs && (best === undefined || slotMs > best)) best = slotMs;
      }
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

  /** What the wall clock is ahead of UTC, a day before a moment and a day after it. */
  private offsetsAround(atMs: number): [number, number] {
    return [this.zone.offsetMs(atMs - DAY_MS), this.zone.offsetMs(atMs + DAY_MS)];
  }

  /** When a wall time is due: mostly one moment. */
  private momentsOf(wallMs: number): number[] {
    const [before, after] = this.offsetsAround(wallMs);
    if (before === after) return [wallMs - before];
    const showing = [wallMs - before, wallMs - after].filter(
      (atMs) => atMs + this.zone.offsetMs(atMs) === wallMs,
    );
    if (this.followsRealTime) return [...new Set(showing)];
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
