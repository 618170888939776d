import { randomUUID } from 'node:crypto';
import * as z from 'zod';
import type { Clock } from '../common/clock.ts';
import type { Holder } from '../protocol/decision.ts';
import type { LockRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import type { Scripts } from '../redis/scripts.ts';
import { isHolderAlive } from '../state/processIdentity.ts';
import { readHolder } from '../state/readHolder.ts';
import type {
  AcquireResult,
  DeadLease,
  LeaseHeld,
  LeaseRequest,
  Leases,
  PassableLease,
  PassableLeases,
  PassedLease,
} from './lease.ts';
import { lockState } from './lockState.ts';
import { RenewedLease } from './renewedLease.ts';

const millis = z.coerce.number().int();
/** Later than that no date can be written. */
const time = millis.min(0).max(8.64e15);

const acquireAnswer = z.union([
  z.tuple([z.literal(1), millis, millis, z.string(), millis]),
  z.tuple([z.literal(0), millis, millis, millis, millis, z.string(), z.string()]),
]);

/** Leases that are read in one script: Redis does nothing else meanwhile, for about 3 ms. */
const READ_CHUNK = 1_000;
/** In the order of the script. */
const LEASE_FIELDS = [
  ...['name', 'kind', 'subject', 'token', 'holder'],
  ...['ttl', 'fence', 'acquiredAt', 'renewedAt'],
];
const leaseAnswers = z.array(z.tuple([z.number()], z.string().nullable()));

const leaseHash = z.object({
  name: z.string(),
  kind: z.enum(['scheduler', 'stream']),
  subject: z.string(),
  holder: z.string(),
  ttl: millis,
  fence: millis,
  acquiredAt: time,
  renewedAt: time,
});

export interface RedisLeasesOptions {
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  clock: Clock;
  /** Who acquires. */
  holder: Holder;
}

/** Leases in Redis: its clock decides, its scripts are atomic. */
export class RedisLeases implements Leases, PassableLeases {
  constructor(private readonly options: RedisLeasesOptions) {}

  /**
   * Takes a lease that is free, or whose holder is proven dead: a process of this host that is
   * gone. Age alone frees nothing.
   */
  async acquire(request: LeaseRequest): Promise<AcquireResult<PassableLease>> {
    const first = await this.tryAcquire(request, '');
    if (first.acquired) return first;
    if (isHolderAlive(first.held.holder) !== false) return first;
    const second = await this.tryAcquire(request, first.token);
    return second.acquired ? { ...second, takenOverFrom: first.held.holder } : second;
  }

  async adopt({
    name,
    token,
    fence,
    acquiredAtMs,
    ttlMs,
  }: PassedLease): Promise<PassableLease | undefined> {
    const { scripts, keys, clock } = this.options;
    // Its time runs since it was handed over, and how long that is ago is not known here.
    const askedAt = clock.monotonic();
    const renewed = await scripts.run('renewLease', [keys.lease(name)], [token, ttlMs]);
    if (renewed !== 1) return undefined;
    return new RenewedLease({
      ...{ name, fence, acquiredAtMs, ttlMs, token, scripts, keys, clock, askedAt },
    });
  }

  async holders(names: readonly string[]): Promise<Map<string, LeaseHeld>> {
    const readOnce = holderReader();
    const held = new Map<string, LeaseHeld>();
    for (const { name, hash, ttlMs } of await this.readAll([...names])) {
      const parsed = leaseHash.safeParse(hash);
      if (!parsed.success || ttlMs === 0 || ttlMs === -2) continue;
      const { fence, acquiredAt: acquiredAtMs, renewedAt: renewedAtMs, holder } = parsed.data;
      held.set(name, { holder: readOnce(holder), fence, acquiredAtMs, renewedAtMs, ttlMs });
    }
    return held;
  }

  async list(): Promise<LockRow[]> {
    const { redis, keys } = this.options;
    const names = (await redis.smembers(keys.leaseIndex)).sort();
    const nowMs = await redisNowMs(redis);
    const readOnce = holderReader();
    const rows: LockRow[] = [];
    for (const { hash, ttlMs } of await this.readAll(names)) {
      const parsed = leaseHash.safeParse(hash);
      if (parsed.success) rows.push(toLockRow(parsed.data, readOnce, ttlMs, nowMs));
    }
    return rows;
  }

  /** Leases whose holder is proven dead. */
  async dead(): Promise<DeadLease[]> {
    const names = await this.options.redis.smembers(this.options.keys.leaseIndex);
    const readOnce = holderReader();
    return (await this.readAll(names)).flatMap(({ name, hash }) => {
      const { holder: text = '', token, subject = name } = hash;
      const holder = readOnce(text);
      return token === undefined || holder.alive !== false
        ? []
        : [{ name, subject, token, holder }];
    });
  }

  /** Frees the lease of a dead holder. @returns false when another has it by now */
  async removeDead({ name, token }: DeadLease): Promise<boolean> {
    const { scripts, keys } = this.options;
    const answer = await scripts.run(
      'releaseLease',
      [keys.lease(name), keys.leaseIndex, keys.releases],
      [token, name],
    );
    return answer === 1;
  }

  private async readAll(
    names: string[],
  ): Promise<{ name: string; hash: Record<string, string>; ttlMs: number }[]> {
    const { scripts, keys } = this.options;
    const all = [];
    for (let from = 0; from < names.length; from += READ_CHUNK) {
      const chunk = names.slice(from, from + READ_CHUNK);
      const leaseKeys = chunk.map((name) => keys.lease(name));
      const answer = await scripts.run('readLeases', [keys.leaseIndex, ...leaseKeys], chunk);
      for (const [index, [ttlMs, ...values]] of leaseAnswers.parse(answer).entries())
        all.push({ name: chunk[index] ?? '', hash: hashOf(values), ttlMs });
    }
    return all;
  }

  private async tryAcquire(
    request: LeaseRequest,
    deadToken: string,
  ): Promise<
    | Extract<AcquireResult<PassableLease>, { acquired: true }>
    | { acquired: false; held: LeaseHeld; token: string }
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
      return { acquired: true, lease, takenOverFrom: null, fenceBefore: answer[4] };
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

/** What is there of a lease; nothing where a key of another type stands. */
function hashOf(values: (string | null)[]): Record<string, string> {
  const hash: Record<string, string> = {};
  for (const [index, field] of LEASE_FIELDS.entries()) {
    const value = values[index] ?? null;
    if (value !== null) hash[field] = value;
  }
  return hash;
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

/** Reads each holder once: an agent holds many leases, and to ask whether it lives costs system calls. */
function holderReader(): (text: string) => Holder {
  const known = new Map<string, Holder>();
  return (text) => {
    const holder = known.get(text) ?? holderOf(text);
    known.set(text, holder);
    return holder;
  };
}

/** An unreadable holder is unknown, not dead. */
function holderOf(text: string): Holder {
  return readHolder(text) ?? UNKNOWN_HOLDER;
}

function toLockRow(
  hash: z.infer<typeof leaseHash>,
  readOnce: (text: string) => Holder,
  ttlMs: number,
  nowMs: number,
): LockRow {
  const holder = readOnce(hash.holder);
  return {
    name: hash.name,
    kind: hash.kind,
    subject: hash.subject,
    job: null,
    holder,
    fence: hash.fence,
    acquiredAt: new Date(hash.acquiredAt).toISOString(),
    renewedAt: new Date(hash.renewedAt).toISOString(),
    ttlMs: Math.max(0, ttlMs),
    ageMs: Math.max(0, nowMs - hash.acquiredAt),
    state: lockState(holder, ttlMs, hash.ttl),
  };
}
