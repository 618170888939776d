import * as z from 'zod';
import type { Keys } from '../redis/keys.ts';
import { pipelineAnswers } from '../redis/pipelineAnswers.ts';
import type { RedisClient } from '../redis/redisClient.ts';

export interface JobRef {
  queue: string;
  id: string;
}

/** Runs of one queue that are looked at. */
const MOST_ACTIVE = 10_000;
/** Of jobs that wait, so many of each queue and state: their uniqueness keys are shown at once. */
const MOST_WAITING = 50;

const ids = z.array(z.string()).catch([]);

/** The jobs that run, and some of those that wait. */
export async function readLockedJobs(
  redis: RedisClient,
  keys: Keys,
  queues: string[],
): Promise<{ active: JobRef[]; waiting: JobRef[] }> {
  const pipeline = redis.pipeline();
  for (const queue of queues) {
    pipeline.lrange(keys.queue(queue, 'active'), 0, MOST_ACTIVE - 1);
    pipeline.lrange(keys.queue(queue, 'wait'), 0, MOST_WAITING - 1);
    pipeline.zrange(keys.queue(queue, 'prioritized'), 0, MOST_WAITING - 1);
    pipeline.zrange(keys.queue(queue, 'delayed'), 0, MOST_WAITING - 1);
  }
  const answers = await pipelineAnswers(pipeline);
  const refs = (parts: number[]) =>
    queues.flatMap((queue, index) =>
      parts
        .flatMap((part) => ids.parse(answers[index * 4 + part]))
        // A marker of BullMQ's, no job.
        .filter((id) => !id.startsWith('0:'))
        .map((id) => ({ queue, id })),
    );
  return { active: refs([0]), waiting: refs([1, 2, 3]) };
}
