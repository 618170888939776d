import { Worker } from 'bullmq';
import { systemClock } from '../../../agent/common/clock.ts';
import { LockService } from '../../../agent/locks/lockService.ts';
import type { Holder } from '../../../agent/protocol/decision.ts';
import type { LockRow } from '../../../agent/protocol/model.ts';
import type { RedisClient } from '../../../agent/redis/redisClient.ts';
import { eventually } from '../../harness/eventually.ts';
import type { Core } from '../leases/core.ts';

export const LOCK_TTL_MS = 5_000;

/** The locks that one agent sees. */
export function locksOf(core: Core): LockService {
  return new LockService({
    ...{ redis: core.redis, scripts: core.scripts, keys: core.keys, leases: core.leases },
    ...{ decisions: core.decisions, config: core.config, clock: systemClock },
    queueNames: () => core.queues.names(),
    lockTtlOf: () => LOCK_TTL_MS,
  });
}

export async function listed(locks: LockService): Promise<LockRow[]> {
  return (await locks.list({}, 1_000, 0)).rows;
}

export async function lockNamed(locks: LockService, name: string): Promise<LockRow | undefined> {
  return (await listed(locks)).find((row) => row.name === name);
}

/** A lease as another process wrote it, with a TTL of a minute. */
export async function writeLease(
  core: Core,
  name: string,
  holder: Holder | string,
  changes: Record<string, string | number> = {},
): Promise<void> {
  const now = Date.now();
  await core.redis
    .pipeline()
    .hset(core.keys.lease(name), {
      ...{ name, kind: 'stream', subject: name.slice('stream:'.length), token: `t-${name}` },
      ...{ holder: typeof holder === 'string' ? holder : JSON.stringify(holder), ttl: 60_000 },
      ...{ fence: now, acquiredAt: now, renewedAt: now, ...changes },
    })
    .pexpire(core.keys.lease(name), 60_000)
    .sadd(core.keys.leaseIndex, name)
    .exec();
}

/** Tells who an agent is, as agents do themselves. */
export async function register(core: Core, holder: Holder): Promise<void> {
  const entry = { ...holder, heartbeatMs: Date.now() };
  await core.redis.hset(core.keys.agents, holder.agentId, JSON.stringify(entry));
}

/** A run that goes on until the test ends it. */
export interface OpenRun {
  readonly worker: Worker;
  /** How BullMQ took the result: what it refused is an error. */
  end(): Promise<void>;
  readonly refusals: string[];
  close(): Promise<void>;
}

/** A BullMQ worker of that name; its handler waits for the test. */
export function startWorker(
  core: Core,
  connection: RedisClient,
  name: string,
  queue = 'default',
): OpenRun {
  let finish: (() => void) | undefined;
  const gate = new Promise<void>((resolve) => (finish = resolve));
  const worker = new Worker(queue, () => gate, {
    ...{ connection, prefix: core.config.redis.prefix, name },
    ...{ lockDuration: LOCK_TTL_MS, stalledInterval: 60_000 },
  });
  const refusals: string[] = [];
  worker.on('error', (error) => refusals.push(error.message));
  return {
    worker,
    refusals,
    end: () => Promise.resolve(finish?.()),
    close: async () => {
      finish?.();
      await worker.close(true);
    },
  };
}

/** Waits until a job runs. @returns the row of its lock */
export function runOf(locks: LockService, jobId: string): Promise<LockRow> {
  return eventually(`a lock of job ${jobId}`, async () =>
    (await listed(locks)).find(
      ({ kind, job }) => job?.id === jobId && (kind === 'run' || kind === 'job'),
    ),
  );
}
