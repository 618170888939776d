import type { Job } from 'bullmq';
import { messageOf } from '../common/errors.ts';
import type { JsonValue } from '../common/json.ts';
import { MAX_DECISIONS, type DecisionLog } from '../decisions/decisionLog.ts';
import type { BulkResult } from '../protocol/api.ts';
import type { Decision } from '../protocol/decision.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import { BullmqCalls } from './bullmqCalls.ts';
import type { Enqueuing } from './enqueuing.ts';
import { stateOf, type JobReader } from './jobReader.ts';
import { keyOfJob, type CustomKey } from './lastCheck.ts';
import type { QueueSet } from './queueSet.ts';
import { payloadOf } from './replay.ts';
import type { TypeRules } from './typeRules.ts';
import { labelOfDeduplicationId, type UniqueKey } from './uniqueKey.ts';

export interface JobRef {
  id: string;
  queue?: string | undefined;
}

export interface JobActionsOptions {
  reader: JobReader;
  queues: QueueSet;
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  decisions: DecisionLog;
  customKey: CustomKey;
  enqueuing: Enqueuing;
}

/** What a person can do to jobs. Bulk actions name every job, done or refused with the reason. */
export class JobActions {
  private readonly calls: BullmqCalls;

  constructor(private readonly options: JobActionsOptions) {
    this.calls = new BullmqCalls(options.redis);
  }

  /** Puts failed jobs back into their queue, under the rules of their type. */
  async requeue(refs: JobRef[]): Promise<BulkResult> {
    return this.forEach(refs, async (job, queue) => {
      const state = await stateOf(job);
      if (state !== 'failed') return `it is ${state}; only failed jobs can be requeued`;
      const decision = await this.requeueOne(job, queue);
      if (decision.outcome === 'accepted') return undefined;
      const survivor = decision.survivor?.jobId ?? 'another';
      return decision.reason === 'concurrency_limit'
        ? `as many jobs of type ${job.name} as allowed are queued or running, such as ${survivor}`
        : `job ${survivor} has the same key and has not ended`;
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

  /**
   * Runs a job again as a new one, which its handler is told. The old one stays as it is.
   * @param data another payload
   */
  async rerun({ id, queue: name }: JobRef, data: JsonValue | undefined): Promise<Decision> {
    const { job, queue } = await this.options.reader.find(id, name);
    const replayOf = `${queue}/${id}`;
    const payload = data ?? payloadOf(job);
    return this.options.enqueuing.enqueue({ type: job.name, data: payload, replayOf });
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
    return this.forEach(refs, async (job, queue) => {
      if ((await stateOf(job)) === 'active') return 'it is running; wait until it ends';
      const next = await this.rescheduledAfter(job, queue);
      if (next !== null) return `job ${next} is to run after it, and would be lost with it`;
      if (await this.carriesSchedule(job, queue))
        return `it carries the schedule ${queue}/${job.repeatJobKey ?? ''} of another program, which would stop without it; that program ends it with removeJobScheduler`;
      await job.remove();
      return undefined;
    });
  }

  /** The job that BullMQ will put into the queue when this one ends. */
  private async rescheduledAfter(job: Job, queue: string): Promise<string | null> {
    const { redis, keys } = this.options;
    const id = job.deduplicationId;
    if (id === undefined) return null;
    if ((await redis.get(keys.deduplication(queue, id))) !== job.id) return null;
    return redis.hget(keys.queue(queue, `dn:${id}`), 'jid');
  }

  /** Whether BullMQ makes the next job of a schedule when a worker takes this one. */
  private async carriesSchedule({ id, repeatJobKey }: Job, queue: string): Promise<boolean> {
    if (repeatJobKey === undefined) return false;
    const { redis, keys } = this.options;
    const slot = await redis.zscore(keys.queue(queue, 'repeat'), repeatJobKey);
    return slot !== null && id === `repeat:${repeatJobKey}:${slot}`;
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

  /** The rules, BullMQ's own script and the record are one step: of many who ask, one has it. */
  private async requeueOne(job: Job, queueName: string): Promise<Decision> {
    const { decisions, keys, scripts, queues } = this.options;
    const queue = queues.get(queueName);
    const jobId = job.id ?? '';
    const rules = queues.rulesOf(job.name);
    const key = await this.requeueKey(job, rules);
    const label = key === null ? null : key.label;
    const answer = await scripts.runAround(
      'requeueJob',
      this.calls.ofReprocess(jobId, job.opts.lifo === true),
      [keys.decisions, keys.agents, keys.admitted(job.name), keys.running(job.name)],
      [
        ...[jobId, job.name, label ?? '', key?.id ?? '', key?.valuesId ?? ''],
        ...[key === null ? '' : (rules?.unique?.while ?? ''), rules?.maxConcurrent ?? 0],
        ...[MAX_DECISIONS, queue.toKey(''), `Requeue ${jobId} again when that one has ended.`],
      ],
    );
    return decisions.fromScript(answer, {
      ...{ action: 'requeue', subject: job.name, key: label, jobId },
    });
  }

  /** The key under the rules of today; a type of another program has the one that it was added with. */
  private async requeueKey(job: Job, rules: TypeRules | undefined): Promise<UniqueKey | null> {
    if (rules !== undefined) return keyOfJob(job, rules, this.options.customKey);
    const id = job.deduplicationId ?? '';
    return id === '' ? null : { id, valuesId: '', label: labelOfDeduplicationId(id) };
  }
}
