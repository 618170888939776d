import * as z from 'zod';
import type { Clock, Timer } from '../common/clock.ts';
import { InterlockError } from '../common/errors.ts';
import type { JsonValue } from '../common/json.ts';
import type { Keys } from '../redis/keys.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { LeaseHeir, PassableLease } from './lease.ts';

const passAnswer = z.tuple([z.number(), z.unknown()]);

export interface RenewedLeaseOptions {
  name: string;
  fence: number;
  acquiredAtMs: number;
  ttlMs: number;
  token: string;
  scripts: Scripts;
  keys: Keys;
  clock: Clock;
  /** Monotonic time at which the acquisition was asked for: trust begins there, not at the answer. */
  askedAt: number;
}

/**
 * A lease that renews itself at a third of its TTL. It counts as lost when Redis says so, or when
 * a whole TTL has passed since the last renewal that succeeded was asked for.
 */
export class RenewedLease implements PassableLease {
  readonly name: string;
  readonly fence: number;
  readonly acquiredAtMs: number;
  private readonly loss = new AbortController();
  private renewal: Timer | undefined;
  private expiry: Timer | undefined;
  private released = false;

  constructor(private readonly options: RenewedLeaseOptions) {
    this.name = options.name;
    this.fence = options.fence;
    this.acquiredAtMs = options.acquiredAtMs;
    this.trustFrom(options.askedAt);
    this.scheduleRenewal();
  }

  get signal(): AbortSignal {
    return this.loss.signal;
  }

  async release(): Promise<void> {
    if (this.released) return;
    this.end();
    const { scripts, keys, token, name } = this.options;
    try {
      await scripts.run(
        'releaseLease',
        [keys.lease(name), keys.leaseIndex, keys.releases],
        [token, name],
      );
    } catch {
      // Redis is away: the TTL frees it.
    }
  }

  async passTo(heir: LeaseHeir, message: Record<string, JsonValue>): Promise<boolean> {
    if (this.released) return false;
    this.end();
    const { scripts, keys, token, name, ttlMs } = this.options;
    const answer = await scripts.run(
      'passLease',
      [keys.lease(name), keys.fences, keys.streamAsks],
      [
        ...[token, name, heir.token, JSON.stringify(heir.holder), ttlMs],
        JSON.stringify(message).slice(0, -1),
      ],
    );
    return passAnswer.parse(answer)[0] === 1;
  }

  private scheduleRenewal(): void {
    const delayMs = Math.floor(this.options.ttlMs / 3);
    this.renewal = this.options.clock.setTimeout(() => void this.renew(), delayMs);
  }

  private async renew(): Promise<void> {
    const { scripts, keys, token, ttlMs, clock } = this.options;
    const askedAt = clock.monotonic();
    this.scheduleRenewal();
    try {
      const renewed = await scripts.run('renewLease', [keys.lease(this.name)], [token, ttlMs]);
      if (this.released || this.signal.aborted) return;
      if (renewed === 1) this.trustFrom(askedAt);
      else this.lose('it is gone, or another has it');
    } catch {
      // Redis is away: the next renewal may come through; if none does, the expiry timer fires.
    }
  }

  /** Moves the moment at which the lease counts as lost without a further renewal. */
  private trustFrom(askedAt: number): void {
    const { clock, ttlMs } = this.options;
    this.expiry?.cancel();
    const leftMs = Math.max(0, askedAt + ttlMs - clock.monotonic());
    this.expiry = clock.setTimeout(
      () => this.lose(`it could not be renewed for ${ttlMs} ms`),
      leftMs,
    );
  }

  private lose(why: string): void {
    if (this.released || this.signal.aborted) return;
    this.end();
    this.loss.abort(
      new InterlockError({
        code: 'lease_lost',
        message: `The lease ${this.name} (fence ${this.fence}) is lost: ${why}.`,
        remedy: 'Whoever holds it now goes on. If it happens again, look at the load and at Redis.',
      }),
    );
  }

  private end(): void {
    this.released = true;
    this.renewal?.cancel();
    this.expiry?.cancel();
  }
}
