import * as z from 'zod';
import type { Keys } from '../redis/keys.ts';
import { pipelineAnswers } from '../redis/pipelineAnswers.ts';
import type { RedisClient } from '../redis/redisClient.ts';

/** What BullMQ says of a job whose stalls are more than the worker allows. */
const STALLED_TOO_OFTEN = 'job stalled more than allowable limit';

const text = z.string().nullable();
const count = z.coerce.number().int().catch(0);

const hashFields = z.tuple([text, text, text, count, count, count, text, text, text]);

/** A job after BullMQ or Interlock has put it back because it stalled. */
export interface StalledJob {
  type: string;
  /** The name of its newest worker, as BullMQ keeps it; '' for none. */
  worker: string;
  deduplicationId: string | null;
  /** How often it was started. */
  starts: number;
  stalls: number;
  attemptsMade: number;
  /** Token of its lock; null: nobody runs it. */
  lockToken: string | null;
  hasEnded: boolean;
  /** Whether it has ended because it stalled too often. */
  failedForStalls: boolean;
  /** BullMQ has decided to fail it: the next worker that takes it does that. */
  willFail: boolean;
}

/** @returns undefined when it was removed */
export async function readStalledJob(
  redis: RedisClient,
  keys: Keys,
  queue: string,
  id: string,
): Promise<StalledJob | undefined> {
  const pipeline = redis
    .multi()
    .hmget(
      keys.job(queue, id),
      ...(['name', 'pb', 'deid', 'ats', 'stc', 'atm', 'finishedOn', 'failedReason'] as const),
      'defa',
    )
    .get(keys.jobLock(queue, id));
  const [hash, lock] = await pipelineAnswers(pipeline);
  const [type, worker, deduplicationId, starts, stalls, attemptsMade, ended, reason, deferred] =
    hashFields.parse(hash);
  if (type === null) return undefined;
  return {
    ...{ type, worker: worker ?? '', deduplicationId, starts, stalls, attemptsMade },
    ...{ lockToken: text.parse(lock), hasEnded: ended !== null, willFail: deferred !== null },
    failedForStalls: ended !== null && reason === STALLED_TOO_OFTEN,
  };
}
