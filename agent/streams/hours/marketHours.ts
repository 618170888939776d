import type { StreamConfig } from '../../config/schema.ts';
import { DAY_MS, ZoneClock } from './zoneClock.ts';

export type StreamHours = NonNullable<StreamConfig['hours']>;

/** Epoch ms of the next change. Closed with null: no opening is in sight. */
export type HoursState = { open: true; untilMs: number } | { open: false; untilMs: number | null };

/** How far is looked ahead: longer than a year, so that what opens once a year is seen. */
const LOOK_AHEAD_DAYS = 400;
/** Yesterday's session may go on today; one day more, because a date line may move. */
const LOOK_BACK_DAYS = 2;
const WEEKDAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'] as const;
/** 1970-01-01 was a Thursday. */
const WEEKDAY_OF_DAY_0 = 4;

interface Session {
  openMs: number;
  closeMs: number;
}

/**
 * Whether a stream is within its hours, and until when. Pure.
 *
 * A session belongs to the local day of its opening: `days` and `holidays` are asked for that one
 * alone. `close` before `open` is on the next day, and `close` equal to `open` is 24 hours later. A time
 * that a clock change leaves out is the first moment after the gap; of one that comes twice, a session
 * opens at the first and closes at the second. Sessions that touch are one. What never closes is
 * told as open for the next 400 days: ask again then.
 * @param nowMs epoch ms
 */
export function hoursAt(hours: StreamHours, nowMs: number): HoursState {
  let current: Session | undefined;
  for (const session of sessionsFrom(hours, nowMs)) {
    if (session.closeMs <= nowMs || session.closeMs <= session.openMs) continue;
    if (current === undefined) {
      if (session.openMs > nowMs) return { open: false, untilMs: session.openMs };
      current = session;
    } else {
      if (session.openMs > current.closeMs) break;
      current = { ...current, closeMs: Math.max(current.closeMs, session.closeMs) };
    }
  }
  return current === undefined
    ? { open: false, untilMs: null }
    : { open: true, untilMs: current.closeMs };
}

/** Sessions in order, from the one that may still go on. One that lasts 24 h comes with those that follow it. */
function* sessionsFrom(hours: StreamHours, nowMs: number): Generator<Session> {
  const zone = new ZoneClock(hours.timezone);
  const isOpenDay = openDays(hours);
  const open = minuteOf(hours.open);
  const close = minuteOf(hours.close);
  const today = zone.dayAt(nowMs);
  const last = today + LOOK_AHEAD_DAYS;
  for (let day = today - LOOK_BACK_DAYS; day <= last; day += 1) {
    if (!isOpenDay(day)) continue;
    const openMs = zone.momentOf(day, open, 'first');
    while (close === open && day < last && isOpenDay(day + 1)) day += 1;
    const closeDay = close > open ? day : day + 1;
    yield { openMs, closeMs: zone.momentOf(closeDay, close, 'second') };
  }
}

function openDays({ days, holidays }: StreamHours): (day: number) => boolean {
  const weekdays = new Set<string>(days);
  const closed = new Set(holidays);
  const isHoliday = (day: number) => closed.size > 0 && closed.has(isoDateOf(day));
  return (day) => weekdays.has(weekdayOf(day)) && !isHoliday(day);
}

function weekdayOf(day: number): string {
  // Twice, because the remainder of a day before 1970 is negative.
  const index = (((day + WEEKDAY_OF_DAY_0) % 7) + 7) % 7;
  return WEEKDAYS[index] ?? '';
}

function isoDateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

/** Of a text such as "09:15". */
function minuteOf(timeOfDay: string): number {
  const [hour, minute] = timeOfDay.split(':');
  return Number(hour) * 60 + Number(minute);
}
