import { lockAgeLevel } from '../../agent/protocol/ageLevels.ts';
import type { AgeLevel, AgeThresholds, LockRow } from '../../agent/protocol/model.ts';

/** How long a lock has been held by now; null when nothing tells. */
export function lockAgeMs(lock: LockRow, nowMs: number): number | null {
  const acquiredMs = lock.acquiredAt === null ? Number.NaN : Date.parse(lock.acquiredAt);
  return Number.isNaN(acquiredMs) ? lock.ageMs : Math.max(0, nowMs - acquiredMs);
}

/** @param thresholds undefined before the agent has told them */
export function lockLevel(
  lock: LockRow,
  nowMs: number,
  thresholds: AgeThresholds | undefined,
): AgeLevel {
  return thresholds === undefined
    ? 'normal'
    : lockAgeLevel(lock.kind, lockAgeMs(lock, nowMs), thresholds);
}

/**
 * The TTL that each renewal sets, in milliseconds to the next half second. The row tells only what
 * was left when it was read; that and the time since the last renewal make the whole.
 */
export function fullTtlMs(lock: LockRow): number | undefined {
  if (lock.ttlMs === null || lock.ttlMs < 0) return undefined;
  if (lock.acquiredAt === null || lock.renewedAt === null || lock.ageMs === null) return lock.ttlMs;
  const readAtMs = Date.parse(lock.acquiredAt) + lock.ageMs;
  const sinceRenewalMs = Math.max(0, readAtMs - Date.parse(lock.renewedAt));
  return Math.round((lock.ttlMs + sinceRenewalMs) / 500) * 500;
}

/**
 * Milliseconds until it ends without renewal; undefined when it has no end.
 * @param readAtMs when the row came, for locks that do not tell their last renewal
 */
export function ttlLeftMs(
  lock: LockRow,
  nowMs: number,
  readAtMs: number | undefined,
): number | undefined {
  const fullMs = fullTtlMs(lock);
  if (fullMs === undefined) return undefined;
  const countsFromRenewal = lock.acquiredAt !== null && lock.ageMs !== null;
  const renewedMs =
    lock.renewedAt === null || !countsFromRenewal ? readAtMs : Date.parse(lock.renewedAt);
  return Math.max(0, fullMs - Math.max(0, nowMs - (renewedMs ?? nowMs)));
}
