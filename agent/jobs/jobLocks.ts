import type { Redis } from 'ioredis';
import * as z from 'zod';
import { lockState } from '../leases/lockState.ts';
import type { JobRow, LockRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import { readHolder } from '../state/readHolder.ts';

/** The locks that BullMQ keeps for running jobs, with the agent that runs them. */
export async function readJobLocks(
  redis: Redis,
  keys: Keys,
  active: JobRow[],
  lockTtlOf: (queue: string) => number,
): Promise<LockRow[]> {
  if (active.length === 0) return [];
  const pipeline = redis.pipeline();
  for (const job of active) {
    pipeline.pttl(keys.jobLock(job.queue, job.id));
    pipeline.hmget(keys.job(job.queue, job.id), 'processedOn', 'pb', 'ats', 'deid');
  }
  const [answers, agents, nowMs] = await Promise.all([
    pipeline.exec(),
    redis.hgetall(keys.agents),
    redisNowMs(redis),
  ]);
  return active.flatMap((job, index) => {
    const ttl = z.number().safeParse(answers?.[index * 2]?.[1]);
    const fields = z
      .tuple([
        z.coerce.number(),
        z.string().nullable(),
        z.coerce.number().nullable(),
        z.string().nullable(),
      ])
      .safeParse(answers?.[index * 2 + 1]?.[1]);
    // No lock: the job ended meanwhile, or its worker is gone and it will start again.
    if (!ttl.success || ttl.data < 0 || !fields.success) return [];
    const lockTtlMs = lockTtlOf(job.queue);
    const [startedMs, worker, starts, deduplicationId] = fields.data;
    const holder = readHolder(agents[worker ?? ''] ?? '');
    return {
      name: `job:${job.queue}/${job.id}`,
      kind: 'job',
      subject: job.key === null ? job.type : `${job.type} [${job.key}]`,
      holder,
      // A run under a uniqueness rule has its fence from its type; BullMQ does not know that one.
      fence: deduplicationId === null ? starts : null,
      acquiredAt: new Date(startedMs).toISOString(),
      // BullMQ does not write down renewals: what is left of the TTL tells.
      renewedAt: new Date(roundToSecond(nowMs - Math.max(0, lockTtlMs - ttl.data))).toISOString(),
      ttlMs: ttl.data,
      ageMs: Math.max(0, nowMs - startedMs),
      state: lockState(holder, ttl.data, lockTtlMs),
    };
  });
}

function roundToSecond(ms: number): number {
  return Math.round(ms / 1_000) * 1_000;
}
