import type { Job } from 'bullmq';
import type { Redis } from 'ioredis';
import { messageOf } from '../common/errors.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import type { BulkResult } from '../protocol/api.ts';
import type { Keys } from '../redis/keys.ts';
import type { Scripts } from '../redis/scripts.ts';
import { stateOf, type JobReader } from './jobReader.ts';
import { labelOfDeduplicationId } from './uniqueKey.ts';

export interface JobRef {
  id: string;
  queue?: string | undefined;
}

export interface JobActionsOptions {
  reader: JobReader;
  redis: Redis;
  scripts: Scripts;
  keys: Keys;
  decisions: DecisionLog;
}

/** What a person can do to jobs. Bulk actions name every job, done or refused with the reason. */
export class JobActions {
  constructor(private readonly options: JobActionsOptions) {}

  /** Puts failed jobs back into their queue, under the uniqueness rule they came in with. */
  async requeue(refs: JobRef[]): Promise<BulkResult> {
    return this.forEach(refs, async (job, queue) => {
      const state = await stateOf(job);
      if (state !== 'failed') return `it is ${state}; only failed jobs can be requeued`;
      const survivor = await this.reserveKey(job, queue);
      if (survivor !== null) {
        await this.recordRequeue(job, queue, survivor);
        return `job ${survivor} has the same key and has not ended`;
      }
      await job.retry('failed', { resetAttemptsMade: true });
      await this.recordRequeue(job, queue, null);
      return undefined;
    });
  }

  /** Every failed job of the given queues. */
  async failedRefs(queues: string[]): Promise<JobRef[]> {
    const refs: JobRef[] = [];
    for (const queue of queues) {
      const rows = await this.options.reader.list({
        ...{ queue, state: 'failed', limit: Number.MAX_SAFE_INTEGER, offset: 0 },
      });
      // Oldest first: they were waiting longest.
      refs.push(...rows.reverse().map((row) => ({ id: row.id, queue })));
    }
    return refs;
  }

  /** Lets delayed jobs run now. */
  async promote(refs: JobRef[]): Promise<BulkResult> {
    return this.forEach(refs, async (job) => {
      const state = await stateOf(job);
      if (state !== 'delayed') return `it is ${state}; only delayed jobs can be promoted`;
      await job.promote();
      return undefined;
    });
  }

  /** Removes jobs for good. One that runs is refused: its handler could not be stopped by that. */
  async remove(refs: JobRef[]): Promise<BulkResult> {
    return this.forEach(refs, async (job) => {
      if ((await stateOf(job)) === 'active') return 'it is running; wait until it ends';
      await job.remove();
      return undefined;
    });
  }

  private async forEach(
    refs: JobRef[],
    act: (job: Job, queue: string) => Promise<string | undefined>,
  ): Promise<BulkResult> {
    const result: BulkResult = { done: [], refused: [] };
    for (const ref of refs) {
      try {
        const { job, queue } = await this.options.reader.find(ref.id, ref.queue);
        const why = await act(job, queue);
        if (why === undefined) result.done.push(ref.id);
        else result.refused.push({ id: ref.id, why });
      } catch (error) {
        result.refused.push({ id: ref.id, why: messageOf(error) });
      }
    }
    return result;
  }

  /** @returns the id of the live job that has the key, or null when it is this job's now */
  private async reserveKey(job: Job, queue: string): Promise<string | null> {
    const { keys, scripts, redis } = this.options;
    if (job.deduplicationId === undefined) return null;
    const key = keys.deduplication(queue, job.deduplicationId);
    const reserve = async (endedId: string) =>
      String(await scripts.run('reserveDeduplication', [key], [job.id ?? '', endedId]));
    const holder = await reserve('');
    if (holder === '') return null;
    const [created, finished] = await redis.hmget(
      keys.job(queue, holder),
      'timestamp',
      'finishedOn',
    );
    const alive = typeof created === 'string' && typeof finished !== 'string';
    if (alive) return holder;
    const second = await reserve(holder);
    return second === '' ? null : second;
  }

  private async recordRequeue(job: Job, queue: string, survivor: string | null): Promise<void> {
    const { decisions } = this.options;
    const fields = {
      action: 'requeue' as const,
      subject: job.name,
      key: job.deduplicationId === undefined ? null : labelOfDeduplicationId(job.deduplicationId),
      jobId: survivor ?? job.id ?? null,
    };
    if (survivor === null) {
      decisions.recordAccepted(fields);
      return;
    }
    await decisions.recordSurvivor(
      {
        ...{ ...fields, outcome: 'already_queued', reason: 'unique_key' },
        ...{ survivor: null, holder: null, until: null },
        remedy: `Requeue ${job.id ?? 'it'} again when job ${survivor} has ended.`,
      },
      queue,
      survivor,
    );
  }
}
