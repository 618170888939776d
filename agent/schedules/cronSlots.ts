import { CronExpressionParser, type CronExpression } from 'cron-parser';
import { ZoneClock } from '../streams/hours/zoneClock.ts';
import { clockChangeNear, NEAR_MS, type ClockChange } from './clockChange.ts';
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
    const here = clockChangeNear(this.zone, afterMs);
    if (here !== undefined) return this.nextAround(here, afterMs);
    const wallMs = this.wallAfter(afterMs + this.zone.offsetMs(afterMs));
    const slotMs = this.momentNear(wallMs);
    const there = clockChangeNear(this.zone, slotMs);
    return there === undefined ? slotMs : this.nextAround(there, afterMs);
  }

  latest(atMs: number): number {
    const here = clockChangeNear(this.zone, atMs);
    if (here !== undefined) return this.latestAround(here, atMs);
    const wallMs = this.wallUpTo(atMs + this.zone.offsetMs(atMs));
    const slotMs = this.momentNear(wallMs);
    const there = clockChangeNear(this.zone, slotMs);
    return there === undefined ? slotMs : this.latestAround(there, atMs);
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

  /** The moment of a wall time that is not near a clock change. */
  private momentNear(wallMs: number): number {
    const guessMs = wallMs - this.zone.offsetMs(wallMs);
    return wallMs - this.zone.offsetMs(guessMs);
  }

  private nextAround(change: ClockChange, afterMs: number): number {
    const { atMs: changeMs, before, after } = change;
    if (afterMs < changeMs - 1) {
      const wallMs = this.wallAfter(afterMs + this.zone.offsetMs(afterMs));
      if (wallMs < changeMs + before) return wallMs - before;
    }
    const fromMs = Math.max(afterMs + 1, changeMs);
    const shiftedMs = this.wallAfter(fromMs + before - 1);
    if (this.isShifted(shiftedMs, change)) {
      const normalMs = this.wallAfter(Math.max(fromMs, changeMs) + after - 1);
      return Math.min(shiftedMs - before, normalMs - after);
    }
    const wallMs = this.wallAfter(Math.max(fromMs + after, this.firstWall(change)) - 1);
    const slotMs = wallMs - after;
    return slotMs <= changeMs + NEAR_MS ? slotMs : this.next(changeMs + NEAR_MS + 1);
  }

  private latestAround(change: ClockChange, atMs: number): number {
    const { atMs: changeMs, before, after } = change;
    if (atMs >= changeMs) {
      const found: number[] = [];
      const shiftedMs = this.wallUpTo(Math.min(atMs + before, changeMs + after - 1));
      if (this.isShifted(shiftedMs, change)) found.push(shiftedMs - before);
      const wallMs = this.wallUpTo(atMs + this.zone.offsetMs(atMs));
      if (wallMs >= this.firstWall(change)) found.push(wallMs - after);
      if (found.length > 0) return Math.max(...found);
    }
    const slotMs = this.wallUpTo(Math.min(atMs, changeMs - 1) + before) - before;
    return slotMs >= changeMs - NEAR_MS ? slotMs : this.latest(changeMs - NEAR_MS - 1);
  }

  /** A wall time that the change leaves out, and that is due nevertheless, as much later. */
  private isShifted(wallMs: number, { atMs, before, after }: ClockChange): boolean {
    return !this.followsRealTime && wallMs >= atMs + before && wallMs < atMs + after;
  }

  /** The first wall time that is due after the change by the clock of then. */
  private firstWall({ atMs, before, after }: ClockChange): number {
    // What the clock shows for the second time was due the first time.
    return atMs + (this.followsRealTime ? after : Math.max(before, after));
  }

  /** The first wall time of the pattern after this one. */
  private wallAfter(wallMs: number): number {
    this.wall.reset(new Date(wallMs));
    return this.wall.next().getTime();
  }

  /** The last wall time of the pattern that is not after this one. */
  private wallUpTo(wallMs: number): number {
    this.wall.reset(new Date(wallMs + 1));
    return this.wall.prev().getTime();
  }
}
