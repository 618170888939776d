/** At most `count` in any stretch of `perMs`. */
export interface Rate {
  readonly count: number;
  readonly perMs: number;
}

/**
 * An attempt without an answer counts as made by then: one that hangs must not hold up the others for
 * as long as a patient connection waits. Not less, or a server that is slow is asked too often.
 */
export const COUNTED_WITHIN_MS = 5_000;

/**
 * The way to the server takes not always the same time: two turns may arrive closer together than they
 * left. So a window is kept longer than the venue's by that much, or by a twentieth when that is more.
 */
const JITTER_MS = 50;
const JITTER_SHARE = 0.05;

/**
 * When the next turn may be taken. Counts every stretch of time, not only those of a fixed grid and not
 * as a token bucket: a bucket of 5 per second lets 9 through within one second.
 * @param past times of the turns taken, oldest first; `trimPast` tells how many matter
 * @param underWay turns begun whose time at the server is not known yet: they count as taken now
 * @returns `nowMs`, a later time, or Infinity when one that is under way must end first
 */
export function nextTurnMs(
  past: readonly number[],
  rates: readonly Rate[],
  nowMs: number,
  underWay = 0,
): number {
  let next = nowMs;
  for (const { count, perMs } of rates) {
    const room = count - underWay;
    if (room <= 0) return Infinity;
    const blocking = past[past.length - room];
    if (blocking !== undefined) next = Math.max(next, blocking + stretchedMs(perMs));
  }
  return next;
}

/** How long a turn counts here, so that it no longer counts at the server afterwards. */
export function stretchedMs(perMs: number): number {
  return perMs + Math.max(JITTER_MS, perMs * JITTER_SHARE);
}

/** Forgets turns that can not matter any more. Cheap: most calls do nothing. */
export function trimPast(past: number[], rates: readonly Rate[]): void {
  const most = rates.reduce((max, { count }) => Math.max(max, count), 0);
  if (past.length > 2 * most + 16) past.splice(0, past.length - most);
}

/** The rates of a config, which tells them as `{ count, per }`. */
export function ratesOf(limits: readonly { count: number; per: number }[] | undefined): Rate[] {
  return (limits ?? []).map(({ count, per }) => ({ count, perMs: per }));
}

/** `300 in 5 min`, for people. */
export function describeRates(rates: readonly Rate[]): string {
  return rates.map(({ count, perMs }) => `${count} in ${describeMs(perMs)}`).join(' and ');
}

function describeMs(ms: number): string {
  if (ms >= 60_000 && ms % 60_000 === 0) return `${ms / 60_000} min`;
  return ms % 1_000 === 0 ? `${ms / 1_000} s` : `${ms} ms`;
}
