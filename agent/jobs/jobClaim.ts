import * as z from 'zod';
import { InterlockError } from '../common/errors.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import { BullmqCalls } from './bullmqCalls.ts';

const answerSchema = z.enum(['claimed', 'gone', 'paused', 'full', 'limited', 'elsewhere']);

type Refusal = Exclude<z.infer<typeof answerSchema>, 'claimed'>;

const WHY: Record<Refusal, { why: string; remedy: string }> = {
  gone: { why: 'it is not there any more', remedy: 'Debug another one.' },
  paused: { why: 'its queue is paused', remedy: 'Resume the queue first.' },
  full: {
    why: 'as many jobs of its queue run as may at one time',
    remedy: 'Try again when one of them has ended.',
  },
  limited: {
    why: 'its queue has used up its rate limit',
    remedy: 'Try again in a moment.',
  },
  elsewhere: {
    why: 'it does not wait any more',
    remedy: 'Look at its state: when it has ended, it can be debugged as a replay.',
  },
};

export interface ClaimRequest {
  queue: string;
  jobId: string;
  /** What its lock is made with. */
  token: string;
  lockMs: number;
  /** Who runs it. */
  worker: string;
}

/** Takes one certain job out of its queue, as BullMQ's workers take the next one. */
export class JobClaim {
  private readonly calls: BullmqCalls;

  constructor(
    private readonly scripts: Scripts,
    private readonly keys: Keys,
    redis: RedisClient,
  ) {
    this.calls = new BullmqCalls(redis);
  }

  /** @throws InterlockError `conflict`, or `not_found` when it is gone */
  async take({ queue, jobId, token, lockMs, worker }: ClaimRequest): Promise<void> {
    const { keys } = this;
    const of = (part: string) => keys.queue(queue, part);
    const answer = answerSchema.parse(
      await this.scripts.runAround(
        'claimJob',
        this.calls.ofMoveToActive(),
        [
          ...[of('wait'), of('prioritized'), of('delayed'), of('active'), of('meta')],
          keys.job(queue, jobId),
        ],
        [of(''), jobId, token, lockMs, worker],
      ),
    );
    if (answer === 'claimed') return;
    const { why, remedy } = WHY[answer];
    throw new InterlockError({
      code: answer === 'gone' ? 'not_found' : 'conflict',
      message: `Job ${jobId} of queue ${queue} can not be taken for the debugger: ${why}.`,
      remedy,
    });
  }
}
