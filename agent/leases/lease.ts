import type { JsonValue } from '../common/json.ts';
import type { Holder } from '../protocol/decision.ts';
import type { LockRow } from '../protocol/model.ts';

export type LeaseKind = LockRow['kind'];

/** Who is to get a lease, and the token by which it will renew it. */
export interface LeaseHeir {
  token: string;
  holder: Holder;
}

/** A lease that was handed over to this agent. */
export interface PassedLease {
  name: string;
  token: string;
  fence: number;
  acquiredAtMs: number;
  ttlMs: number;
}

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

/** A lease that its holder can hand over. */
export interface PassableLease extends Lease {
  /**
   * Hands it over to another agent, which gets the next fence at the same moment: nobody else can have
   * it in between. Afterwards it is not ours any more.
   * @param message told to that agent, with `fence` and `acquiredAtMs` added
   * @returns false when it is not ours any more
   * @throws when Redis is away: then nobody knows who has it, and it counts as lost
   */
  passTo(heir: LeaseHeir, message: Record<string, JsonValue>): Promise<boolean>;
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

export type AcquireResult<L extends Lease = Lease> =
  | {
      acquired: true;
      lease: L;
      takenOverFrom: Holder | null;
      /** The fencing token of the acquisition before, whosever it was; 0 when there was none. */
      fenceBefore: number;
    }
  | { acquired: false; held: LeaseHeld };

export interface Leases {
  /** @throws InterlockError `redis_unreachable` */
  acquire(request: LeaseRequest): Promise<AcquireResult>;
  /** Every lease in Redis, whoever holds it. */
  list(): Promise<LockRow[]>;
}

/** Leases that move from agent to agent while their holders live. */
export interface PassableLeases {
  /** @throws InterlockError `redis_unreachable` */
  acquire(request: LeaseRequest): Promise<AcquireResult<PassableLease>>;
  /** Takes up a lease that was handed over. @returns undefined when it is another's by now */
  adopt(passed: PassedLease): Promise<PassableLease | undefined>;
  /** Who holds these; those that are free are left out. */
  holders(names: readonly string[]): Promise<Map<string, LeaseHeld>>;
}
