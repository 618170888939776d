import { assertNever } from '../../agent/common/assertNever.ts';
import { formatDuration } from '../../agent/common/duration.ts';
import type { LockRow } from '../../agent/protocol/model.ts';
import { formatAge } from './age.ts';
import { describeHolder } from './holderText.ts';
import { joined } from './jobText.ts';
import type { Translate } from './translate.ts';

/** `3 min 20 s · devbox:4711 all · TTL 5 s · fence 12`. */
export function describeLock(lock: LockRow, nowMs: number, t: Translate): string {
  const ttlMs = fullTtlMs(lock);
  return joined([
    lock.state === 'holder_dead' ? t('holder ended') : '',
    lockAge(lock, nowMs),
    lock.holder === null ? t('no holder') : describeHolder(lock.holder, t),
    ttlMs === undefined ? '' : t('TTL {0}', formatDuration(ttlMs)),
    lock.fence === null ? '' : t('fence {0}', lock.fence),
  ]);
}

export function lockAge(lock: LockRow, nowMs: number): string {
  return (
    formatAge(lock.acquiredAt, nowMs) || formatDuration(Math.floor(lock.ageMs / 1_000) * 1_000)
  );
}

/**
 * The TTL that each renewal sets, in milliseconds to the next half second. The row tells only what
 * was left when it was read; that and the time since the last renewal make the whole.
 */
export function fullTtlMs(lock: LockRow): number | undefined {
  if (lock.ttlMs < 0) return undefined;
  if (lock.acquiredAt === null || lock.renewedAt === null) return lock.ttlMs;
  const readAtMs = Date.parse(lock.acquiredAt) + lock.ageMs;
  const sinceRenewalMs = Math.max(0, readAtMs - Date.parse(lock.renewedAt));
  return Math.round((lock.ttlMs + sinceRenewalMs) / 500) * 500;
}

export function lockKindName(kind: LockRow['kind'], t: Translate): string {
  switch (kind) {
    case 'scheduler':
      return t('Scheduler lock');
    case 'stream':
      return t('Stream lock');
    case 'run':
      return t('Run lock');
    case 'job':
      return t('Job lock');
    default:
      return assertNever(kind);
  }
}
