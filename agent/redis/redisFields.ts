import * as z from 'zod';

/** The latest time that a Date can tell. */
const LAST_DATE_MS = 8.64e15;

/** Fields as another process wrote them into Redis: what can not be read is null, and breaks no list. */
export const textField = z.string().nullable().catch(null);

/** Milliseconds since the epoch. */
export const timeField = z.coerce.number().int().min(1).max(LAST_DATE_MS).nullable().catch(null);

/** A positive count, such as a fencing token. */
export const countField = z.coerce.number().int().min(1).nullable().catch(null);

/** What PTTL answers: milliseconds left, -1 without an end, -2 without a key. */
export const ttlField = z.number().int().catch(-2);

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
