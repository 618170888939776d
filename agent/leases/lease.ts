import type { Holder } from '../protocol/decision.ts';
import type { LockRow } from '../protocol/model.ts';

export type LeaseKind = LockRow['kind'];

export interface LeaseRequest {
  /** Such as `scheduler:global_lock` or `stream:nse`. */
  name: string;
  kind: LeaseKind;
  subject: string;
  ttlMs: number;
}

/** A held lease. It renews itself at a third of its TTL until it is released or lost. */
export interface Lease {
  readonly name: string;
  /**
   * The fencing token: grows with each acquisition of this name, also over a Redis that lost its data,
   * because it is never below Redis' time in ms.
   */
  readonly fence: number;
  /** Redis time of the acquisition, milliseconds since the epoch. */
  readonly acquiredAtMs: number;
  /** Aborts when the lease is lost: the holder must stop at once. Not on release. */
  readonly signal: AbortSignal;
  /** Idempotent; never rejects when Redis is away: then the TTL frees it. */
  release(): Promise<void>;
}

/** Why a lease could not be had: who has it. */
export interface LeaseHeld {
  holder: Holder;
  fence: number;
  acquiredAtMs: number;
  renewedAtMs: number;
  ttlMs: number;
}

/** A lease that its holder, a process of this host, can not give back any more. */
export interface DeadLease {
  name: string;
  subject: string;
  /** Of the acquisition: with another one it is not the dead holder's any more. */
  token: string;
  holder: Holder;
}

export type AcquireResult =
  | { acquired: true; lease: Lease; takenOverFrom: Holder | null }
  | { acquired: false; held: LeaseHeld };

export interface Leases {
  /** @throws InterlockError `redis_unreachable` */
  acquire(request: LeaseRequest): Promise<AcquireResult>;
  /** Every lease in Redis, whoever holds it. */
  list(): Promise<LockRow[]>;
}
