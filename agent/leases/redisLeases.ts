import { randomUUID } from 'node:crypto';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Clock } from '../common/clock.ts';
import type { Holder } from '../protocol/decision.ts';
import type { LockRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import type { Scripts } from '../redis/scripts.ts';
import { isHolderAlive } from '../state/processIdentity.ts';
import { readHolder } from '../state/readHolder.ts';
import type { AcquireResult, LeaseHeld, LeaseRequest, Leases } from './lease.ts';
import { lockState } from './lockState.ts';
import { RenewedLease } from './renewedLease.ts';

const millis = z.coerce.number().int();

const acquireAnswer = z.union([
  z.tuple([z.literal(1), millis, millis, z.string()]),
  z.tuple([z.literal(0), millis, millis, millis, millis, z.string(), z.string()]),
]);

const leaseHash = z.object({
  name: z.string(),
  kind: z.enum(['scheduler', 'stream', 'run', 'job']),
  subject: z.string(),
  holder: z.string(),
  ttl: millis,
  fence: millis,
  acquiredAt: millis,
  renewedAt: millis,
});

export interface RedisLeasesOptions {
  redis: Redis;
  scripts: Scripts;
  keys: Keys;
  clock: Clock;
  /** Who acquires. */
  holder: Holder;
}

/** Leases in Redis: its clock decides, its scripts are atomic. */
export class RedisLeases implements Leases {
  constructor(private readonly options: RedisLeasesOptions) {}

  /**
   * Takes a lease that is free, or whose holder is proven dead: a process of this host that is
   * gone. Age alone frees nothing.
   */
  async acquire(request: LeaseRequest): Promise<AcquireResult> {
    const first = await this.tryAcquire(request, '');
    if (first.acquired) return first;
    if (isHolderAlive(first.held.holder) !== false) return first;
    const second = await this.tryAcquire(request, first.token);
    return second.acquired ? { ...second, takenOverFrom: first.held.holder } : second;
  }

  async list(): Promise<LockRow[]> {
    const { redis, keys } = this.options;
    const names = (await redis.smembers(keys.leaseIndex)).sort();
    const nowMs = await redisNowMs(redis);
    const rows: LockRow[] = [];
    for (const name of names) {
      const key = keys.lease(name);
      const [hash, ttlMs] = await Promise.all([redis.hgetall(key), redis.pttl(key)]);
      const parsed = leaseHash.safeParse(hash);
      if (parsed.success) rows.push(toLockRow(parsed.data, ttlMs, nowMs));
      // The lease ended by itself: only its name is left.
      else if (ttlMs === -2) await redis.srem(keys.leaseIndex, name);
    }
    return rows;
  }

  private async tryAcquire(
    request: LeaseRequest,
    deadToken: string,
  ): Promise<
    Extract<AcquireResult, { acquired: true }> | { acquired: false; held: LeaseHeld; token: string }
  > {
    const { scripts, keys, clock, holder } = this.options;
    const token = randomUUID();
    const askedAt = clock.monotonic();
    const answer = acquireAnswer.parse(
      await scripts.run(
        'acquireLease',
        [keys.lease(request.name), keys.fences, keys.leaseIndex],
        [
          ...[request.name, request.kind, request.subject],
          ...[token, JSON.stringify(holder), request.ttlMs, deadToken],
        ],
      ),
    );
    if (answer[0] === 1) {
      const lease = new RenewedLease({
        ...{ name: request.name, fence: answer[1], acquiredAtMs: answer[2], ttlMs: request.ttlMs },
        ...{ token, scripts, keys, clock, askedAt },
      });
      return { acquired: true, lease, takenOverFrom: null };
    }
    const [, fence, acquiredAtMs, renewedAtMs, ttlMs, holderText, heldToken] = answer;
    const heldBy = holderOf(holderText);
    return {
      acquired: false,
      token: heldToken,
      held: { holder: heldBy, fence, acquiredAtMs, renewedAtMs, ttlMs },
    };
  }
}

const UNKNOWN_HOLDER: Holder = {
  host: '?',
  hostId: '?',
  pid: 0,
  role: '?',
  agentId: '?',
  processStart: null,
  alive: null,
};

/** An unreadable holder is unknown, not dead. */
function holderOf(text: string): Holder {
  return readHolder(text) ?? UNKNOWN_HOLDER;
}

function toLockRow(hash: z.infer<typeof leaseHash>, ttlMs: number, nowMs: number): LockRow {
  const holder = holderOf(hash.holder);
  return {
    name: hash.name,
    kind: hash.kind,
    subject: hash.subject,
    holder,
    fence: hash.fence,
    acquiredAt: new Date(hash.acquiredAt).toISOString(),
    renewedAt: new Date(hash.renewedAt).toISOString(),
    ttlMs: Math.max(0, ttlMs),
    ageMs: Math.max(0, nowMs - hash.acquiredAt),
    state: lockState(holder, ttlMs, hash.ttl),
  };
}
