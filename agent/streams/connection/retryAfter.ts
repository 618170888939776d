export interface RetryAfter {
  /** From when the header was read. */
  delayMs: number;
  /** The same as a time, for people. */
  until: string;
}

/** Nobody waits longer than that without asking again; a timer could not, either. */
const LONGEST_MS = 7 * 24 * 3_600_000;

/** The three forms of a date in HTTP all begin with the day of the week. */
const HTTP_DATE = /^(mon|tue|wed|thu|fri|sat|sun)/i;

/**
 * Reads the header `Retry-After`: seconds, or a date of HTTP.
 * @param nowMs milliseconds since the epoch
 * @returns undefined when there is none, or nothing that can be understood
 */
export function readRetryAfter(header: string | undefined, nowMs: number): RetryAfter | undefined {
  const text = header?.trim() ?? '';
  const askedMs = /^\d+$/.test(text) ? Number(text) * 1_000 : untilDateMs(text, nowMs);
  if (askedMs === undefined) return undefined;
  const delayMs = Math.min(Math.max(0, askedMs), LONGEST_MS);
  return { delayMs, until: new Date(nowMs + delayMs).toISOString() };
}

function untilDateMs(text: string, nowMs: number): number | undefined {
  if (!HTTP_DATE.test(text)) return undefined;
  // The old asctime form names no zone: all dates of HTTP are GMT.
  const atMs = Date.parse(/gmt$/i.test(text) ? text : `${text} GMT`);
  return Number.isNaN(atMs) ? undefined : atMs - nowMs;
}
