import type { JobTypeConfig } from '../config/schema.ts';

/**
 * The lock ends that much before the TTL that the config promises: what is left is for another
 * host to notice and to begin.
 */
const LOCK_SHARE = 0.8;
const RENEWALS_PER_LOCK = 3;

/** Parts of a lock that was not renewed: the handler is told to stop, then its process is ended. */
const TELL_SHARE = 0.8;
const CUT_SHARE = 0.95;

/**
 * A handler process hears from its agent several times in that part of a lock. It ends itself after
 * it, and the lock lives for two thirds of its time at least after its agent's last sign of life:
 * so the process is gone before its successor begins.
 */
const SILENCE_SHARE = 0.5;

/** How long each part of the life of a run's lock takes, in ms. */
export interface LeaseTimes {
  lockMs: number;
  renewEveryMs: number;
  /** After the last renewal. */
  tellAfterMs: number;
  cutAfterMs: number;
  /** A handler process that heard nothing from its agent for that long ends itself. */
  silenceMs: number;
}

/** BullMQ's locks have one TTL for a queue: that of the type that asks for the longest. */
export function leaseTimesOf(types: JobTypeConfig[]): LeaseTimes {
  const ttlMs = Math.max(1, ...types.map((type) => type.lease.ttl));
  const lockMs = Math.floor(ttlMs * LOCK_SHARE);
  return {
    lockMs,
    renewEveryMs: Math.floor(lockMs / RENEWALS_PER_LOCK),
    tellAfterMs: Math.floor(lockMs * TELL_SHARE),
    cutAfterMs: Math.floor(lockMs * CUT_SHARE),
    silenceMs: Math.floor(lockMs * SILENCE_SHARE),
  };
}
