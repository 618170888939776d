import * as z from 'zod';
import { MAX_DECISIONS, type DecisionLog } from '../decisions/decisionLog.ts';
import type { QueueDrained } from '../protocol/api.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import { BullmqCalls } from './bullmqCalls.ts';
import type { QueueSet } from './queueSet.ts';

export interface QueueDrainOptions {
  queues: QueueSet;
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  decisions: DecisionLog;
}

const countSchema = z.number().int();
const answerSchema = z.tuple([z.literal('decided'), z.string(), z.string(), z.number().int()]);

/** Empties a queue of what waits. What runs is not touched. */
export class QueueDrain {
  private readonly calls: BullmqCalls;

  constructor(private readonly options: QueueDrainOptions) {
    this.calls = new BullmqCalls(options.redis);
  }

  /** How many jobs a drain would remove now. @param delayed with those that are delayed */
  async count(queueName: string, delayed: boolean): Promise<number> {
    const { scripts, keys } = this.options;
    const args = [keys.queue(queueName, ''), delayed ? 1 : 0];
    return countSchema.parse(
      await scripts.run('countDrained', [keys.queue(queueName, 'repeat')], args),
    );
  }

  /** Removes them, with their uniqueness keys, and records that in the same step. */
  async drain(queueName: string, delayed: boolean): Promise<QueueDrained> {
    const { queues, scripts, keys, decisions } = this.options;
    const queue = await queues.ready(queueName);
    const call = this.calls.ofDrain(queue.toKey(''), delayed);
    const [kind, entryId, json, removed] = answerSchema.parse(
      await scripts.runAround('drainQueue', call, [keys.decisions], [queueName, MAX_DECISIONS]),
    );
    const accepted = { action: 'drain', subject: queueName, key: null, jobId: '' } as const;
    return { decision: decisions.fromScript([kind, entryId, json], accepted), removed };
  }
}
