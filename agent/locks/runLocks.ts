import * as z from 'zod';
import { labelOfDeduplicationId } from '../jobs/uniqueKey.ts';
import { lockState } from '../leases/lockState.ts';
import type { Holder } from '../protocol/decision.ts';
import type { LockRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import { pipelineAnswers } from '../redis/pipelineAnswers.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { countField, isoOrNull, textField, timeField, ttlField } from '../redis/redisFields.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import { readHolder } from '../state/readHolder.ts';
import type { JobRef } from './lockedJobs.ts';

export interface RunLockSource {
  redis: RedisClient;
  keys: Keys;
  /** Job types of the config. */
  types: string[];
  /** Milliseconds that a renewal of a run's lock gives, in one of our queues. */
  lockTtlOf: (queue: string) => number;
}

const jobFields = z.tuple([textField, timeField, textField, countField, textField]);
const hash = z.record(z.string(), z.string()).catch({});
const runningEntry = /^(\d{1,16}) (.+)$/;

/** What is known beside the job itself. */
interface Surroundings {
  nowMs: number;
  holders: Map<string, Holder | null>;
  /** Fencing token by type and job id. */
  fences: Map<string, number>;
}

/** The locks that BullMQ keeps for running jobs, with who runs them. */
export async function readRunLocks(
  source: RunLockSource,
  active: readonly JobRef[],
): Promise<LockRow[]> {
  if (active.length === 0) return [];
  const { redis, keys, types } = source;
  const pipeline = redis.pipeline();
  for (const { queue, id } of active) {
    pipeline.pttl(keys.jobLock(queue, id));
    pipeline.hmget(keys.job(queue, id), 'name', 'processedOn', 'pb', 'ats', 'deid');
  }
  pipeline.hgetall(keys.agents);
  for (const type of types) pipeline.hgetall(keys.running(type));
  const [answers, nowMs] = await Promise.all([pipelineAnswers(pipeline), redisNowMs(redis)]);
  const agents = hash.parse(answers[active.length * 2]);
  const around: Surroundings = {
    nowMs,
    holders: new Map(Object.entries(agents).map(([id, text]) => [id, readHolder(text)])),
    fences: fencesOf(types, answers.slice(active.length * 2 + 1)),
  };
  return active.flatMap(
    (job, index) =>
      toRow(source, around, job, ttlField.parse(answers[index * 2]), answers[index * 2 + 1]) ?? [],
  );
}

function fencesOf(types: string[], answers: unknown[]): Map<string, number> {
  const fences = new Map<string, number>();
  for (const [index, type] of types.entries()) {
    for (const entry of Object.values(hash.parse(answers[index]))) {
      const [, fence, jobId] = runningEntry.exec(entry) ?? [];
      if (jobId !== undefined) fences.set(`${type} ${jobId}`, Number(fence));
    }
  }
  return fences;
}

function toRow(
  source: RunLockSource,
  { nowMs, holders, fences }: Surroundings,
  { queue, id }: JobRef,
  ttlMs: number,
  answer: unknown,
): LockRow | undefined {
  // No lock: the job ended meanwhile, or its worker is gone and it will start again.
  if (ttlMs === -2) return undefined;
  const fields = jobFields.safeParse(answer);
  const [type, startedMs, worker, starts, deduplicationId] = fields.data ?? [
    null,
    null,
    null,
    null,
    null,
  ];
  const holder = holders.get(worker ?? '') ?? null;
  const fence = fences.get(`${type ?? ''} ${id}`);
  const ours =
    type !== null && source.types.includes(type) && (holder !== null || fence !== undefined);
  const kind = ours ? 'run' : 'job';
  const lockTtlMs = source.lockTtlOf(queue);
  return {
    name: `${kind}:${queue}/${id}`,
    kind,
    subject: type === null ? `job ${id}` : subjectOf(type, deduplicationId),
    job: { queue, id, type: type ?? '?' },
    holder,
    // BullMQ counts how often a job was started: what there is without a token of ours.
    fence: fence ?? starts,
    acquiredAt: isoOrNull(startedMs),
    renewedAt: ours && ttlMs >= 0 ? renewedAt(nowMs, lockTtlMs, ttlMs) : null,
    ttlMs: ttlMs < 0 ? null : ttlMs,
    ageMs: startedMs === null ? null : Math.max(0, nowMs - startedMs),
    // How long another worker's lock lasts is not known, so neither is whether it is renewed in time.
    state:
      type === null
        ? 'orphaned'
        : lockState(holder, ours && ttlMs >= 0 ? ttlMs : lockTtlMs, lockTtlMs),
  };
}

/** `chain_state_monitor [mainnet]`, or the type alone when all of it is one key. */
export function subjectOf(type: string, deduplicationId: string | null): string {
  const key = deduplicationId === null ? '*' : labelOfDeduplicationId(deduplicationId);
  return key === '*' ? type : `${type} [${key}]`;
}

/** BullMQ does not write down renewals: what is left of the TTL tells, to about a second. */
function renewedAt(nowMs: number, lockTtlMs: number, ttlMs: number): string {
  const ms = nowMs - Math.max(0, lockTtlMs - ttlMs);
  return new Date(Math.round(ms / 1_000) * 1_000).toISOString();
}
