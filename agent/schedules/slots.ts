import type { ScheduleConfig } from '../config/schema.ts';
import { CronSlots } from './cronSlots.ts';

/**
 * The due times of a schedule, in milliseconds since the epoch. Pure: every process finds the same
 * ones, whatever its own clock says.
 */
export interface Slots {
  /** The first slot after a moment. */
  next(afterMs: number): number;
  /** The newest slot that is not after a moment. */
  latest(atMs: number): number;
  /** How many there are after one moment and up to another; at most `most`. */
  count(afterMs: number, upToMs: number, most: number): number;
  /** More of them are not counted in one go. */
  readonly mostCounted: number;
}

/** How far a schedule with a dynamic interval has come, as Redis knows it. */
export interface DynamicProgress {
  slot: number;
  interval: number;
}

/**
 * @param progress of a schedule with a dynamic interval: its slots follow the last one, at the interval
 *   of now; left out before its first slot
 */
export function slotsOf(schedule: ScheduleConfig, progress?: DynamicProgress): Slots {
  const { every } = schedule;
  if (typeof every === 'number') return everySlots(every, 0);
  if (every !== undefined) {
    return everySlots(progress?.interval ?? every.min, progress?.slot ?? 0);
  }
  return new CronSlots(schedule.cron ?? '', schedule.timezone, schedule.job);
}

/** Names the rule of a schedule: another rule means other slots. */
export function ruleOf({ every, cron, timezone }: ScheduleConfig): string {
  if (typeof every === 'number') return `every ${every} ms`;
  if (every !== undefined) return `every ${every.min} to ${every.max} ms`;
  return `cron ${cron ?? ''}${timezone === undefined ? '' : ` ${timezone}`}`;
}

/** Slots that are `everyMs` apart; one of them is at `anchorMs`. */
export function everySlots(everyMs: number, anchorMs: number): Slots {
  const number = (atMs: number) => Math.floor((atMs - anchorMs) / everyMs);
  return {
    mostCounted: Infinity,
    next: (afterMs) => anchorMs + (number(afterMs) + 1) * everyMs,
    latest: (atMs) => anchorMs + number(atMs) * everyMs,
    count: (afterMs, upToMs, most) => Math.max(0, Math.min(most, number(upToMs) - number(afterMs))),
  };
}
