import type { Holder } from '../protocol/decision.ts';
import type { LockRow } from '../protocol/model.ts';

/**
 * How a lock is doing. A healthy one is renewed at a third of its TTL, so less than a third left
 * means that renewals fail.
 */
export function lockState(holder: Holder | null, leftMs: number, ttlMs: number): LockRow['state'] {
  if (holder?.alive === false) return 'holder_dead';
  return leftMs < ttlMs / 3 ? 'expiring' : 'held';
}
