import type { JobsOptions, Queue } from 'bullmq';
import type { Clock } from '../common/clock.ts';
import { InterlockError } from '../common/errors.ts';
import type { Config, JobTypeConfig } from '../config/schema.ts';
import type { DecisionFields, DecisionLog } from '../decisions/decisionLog.ts';
import type { Decision } from '../protocol/decision.ts';
import type { EnqueueRequest, Enqueuing } from './enqueuing.ts';
import { newJobId } from './jobId.ts';
import { retryOptions } from './retryOptions.ts';
import { uniqueKeyOf, type UniqueKey } from './uniqueKey.ts';

/** Finished jobs are kept for looking at, not for ever: BullMQ keeps all unless told otherwise. */
const KEEP_COMPLETED = { count: 1_000, age: 24 * 3_600 };
const KEEP_FAILED = { count: 5_000, age: 7 * 24 * 3_600 };

export interface EnqueuerOptions {
  config: Config;
  queueOf: (name: string) => Queue;
  decisions: DecisionLog;
  clock: Clock;
}

/**
 * Puts jobs into queues. With a uniqueness rule the decision costs no round trip more than BullMQ's
 * own `add`: the job gets an id of our making and a deduplication id, and `add` answers with the id
 * of the job that survives. Another id than ours is the refusal; only a refusal reads more.
 */
export class Enqueuer implements Enqueuing {
  constructor(private readonly options: EnqueuerOptions) {}

  async enqueue(request: EnqueueRequest): Promise<Decision> {
    const { clock, decisions, queueOf } = this.options;
    const type = await this.typeOf(request);
    const jobId = request.jobId ?? newJobId(clock);
    const key =
      type.unique === undefined ? null : uniqueKeyOf(request.type, type.unique, request.data);
    const job = await queueOf(type.queue).add(
      request.type,
      request.data,
      jobOptions(type, jobId, key),
    );
    const survivorId = job.id ?? jobId;
    if (survivorId === jobId) {
      const accepted = this.fields(request, key, 'accepted', jobId);
      return request.record === 'refusals'
        ? decisions.unrecorded(accepted)
        : decisions.recordSoon(accepted);
    }
    return decisions.recordSurvivor(
      this.fields(request, key, 'already_queued', survivorId),
      type.queue,
      survivorId,
    );
  }

  private async typeOf(request: EnqueueRequest): Promise<JobTypeConfig> {
    const { jobs } = this.options.config;
    const name = request.type;
    const type = Object.hasOwn(jobs, name) ? jobs[name] : undefined;
    if (type !== undefined) return type;
    const known = Object.keys(jobs);
    const remedy =
      known.length === 0
        ? 'Declare it under "jobs" in interlock.config.json.'
        : `Use one of ${known.join(', ')}, or declare it under "jobs" in interlock.config.json.`;
    await this.options.decisions.record({
      ...{ action: request.action ?? 'enqueue', subject: name, key: null, outcome: 'refused' },
      ...{ reason: 'unknown_type', jobId: null, survivor: null, holder: null, until: null, remedy },
    });
    throw new InterlockError({
      code: 'not_found',
      message: `There is no job type "${name}".`,
      remedy,
      details: { type: name, known },
    });
  }

  private fields(
    request: EnqueueRequest,
    key: UniqueKey | null,
    outcome: 'accepted' | 'already_queued',
    jobId: string,
  ): DecisionFields {
    const accepted = outcome === 'accepted';
    return {
      action: request.action ?? 'enqueue',
      subject: request.type,
      key: key?.label ?? null,
      outcome,
      reason: accepted ? 'within_limits' : 'unique_key',
      jobId,
      survivor: null,
      holder: null,
      until: null,
      remedy: accepted
        ? null
        : `Wait for job ${jobId} to end, remove it if it only waits, or change "unique" of ${request.type}.`,
    };
  }
}

function jobOptions(type: JobTypeConfig, jobId: string, key: UniqueKey | null): JobsOptions {
  return {
    jobId,
    ...retryOptions(type.retry),
    removeOnComplete: KEEP_COMPLETED,
    removeOnFail: KEEP_FAILED,
    ...(key === null ? {} : { deduplication: { id: key.id } }),
  };
}
