import { CronExpressionParser } from 'cron-parser';
import type { ScheduleConfig } from '../config/schema.ts';

/** A slot is one due time of a schedule, in milliseconds since the epoch. */

/** Names the rule of a schedule: another rule means other slots. */
export function ruleOf(schedule: ScheduleConfig): string {
  if (typeof schedule.every === 'number') return `every ${schedule.every} ms`;
  return `cron ${schedule.cron ?? ''}${schedule.timezone === undefined ? '' : ` ${schedule.timezone}`}`;
}

/** The newest slot that is due at `nowMs`. */
export function latestSlot(schedule: ScheduleConfig, nowMs: number): number {
  if (typeof schedule.every === 'number')
    return Math.floor(nowMs / schedule.every) * schedule.every;
  // `prev` leaves out the current moment itself: ask from just after it.
  return cron(schedule, nowMs + 1)
    .prev()
    .getTime();
}

/** The first slot after `nowMs`. */
export function nextSlot(schedule: ScheduleConfig, nowMs: number): number {
  if (typeof schedule.every === 'number') {
    return (Math.floor(nowMs / schedule.every) + 1) * schedule.every;
  }
  return cron(schedule, nowMs).next().getTime();
}

function cron(schedule: ScheduleConfig, fromMs: number) {
  return CronExpressionParser.parse(schedule.cron ?? '', {
    currentDate: new Date(fromMs),
    ...(schedule.timezone === undefined ? {} : { tz: schedule.timezone }),
  });
}
