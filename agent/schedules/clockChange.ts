import type { ZoneClock } from '../streams/hours/zoneClock.ts';

/** A wall clock is set anew: from this moment on it is `after` ahead of UTC, until then `before`. ms. */
export interface ClockChange {
  atMs: number;
  before: number;
  after: number;
}

/** No clock is put forward or back by more. */
export const NEAR_MS = 3 * 3_600_000;

/** The clock change within three hours of a moment; they are never so close that there are two. */
export function clockChangeNear(zone: ZoneClock, ms: number): ClockChange | undefined {
  let low = ms - NEAR_MS;
  let high = ms + NEAR_MS;
  const before = zone.offsetMs(low);
  const after = zone.offsetMs(high);
  if (before === after) return undefined;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (zone.offsetMs(middle) === after) high = middle;
    else low = middle;
  }
  return { atMs: high, before, after };
}
