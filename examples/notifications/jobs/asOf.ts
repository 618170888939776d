import * as z from 'zod';

/**
 * A point in time in a payload, such as 2026-01-31T09:15:00Z: jobs that compare with the clock take
 * it as `now`, so that one can try out what they would do then. Left out: the time of the run.
 */
export const asOf = z.iso
  .datetime({ offset: true })
  .optional()
  .transform((text) => (text === undefined ? Date.now() : Date.parse(text)));

/** The same where it must be there. Milliseconds since the epoch. */
export const instant = z.iso.datetime({ offset: true }).transform((text) => Date.parse(text));

export const MINUTE_MS = 60_000;
export const DAY_MS = 24 * 60 * MINUTE_MS;
