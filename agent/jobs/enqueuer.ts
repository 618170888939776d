import type { JobsOptions, Queue } from 'bullmq';
import type { Clock } from '../common/clock.ts';
import { InterlockError } from '../common/errors.ts';
import type { Config } from '../config/schema.ts';
import type { AcceptedFields, DecisionFields, DecisionLog } from '../decisions/decisionLog.ts';
import type { Decision } from '../protocol/decision.ts';
import type { EnqueueRequest, Enqueuing } from './enqueuing.ts';
import { newJobId } from './jobId.ts';
import { retryOptions } from './retryOptions.ts';
import { uniqueKeyOf, type UniqueKey, type UniqueRule } from './uniqueKey.ts';

/** Finished jobs are kept for looking at, not for ever: BullMQ keeps all unless told otherwise. */
const KEEP_COMPLETED = { count: 1_000, age: 24 * 3_600 };
const KEEP_FAILED = { count: 5_000, age: 7 * 24 * 3_600 };

export interface EnqueuerOptions {
  config: Config;
  queueOf: (name: string) => Queue;
  decisions: DecisionLog;
  clock: Clock;
}

/** What is the same for every job of a type. */
interface PreparedType {
  queue: Queue;
  queueName: string;
  unique: UniqueRule | undefined;
  jobOptions: JobsOptions;
}

/**
 * Puts jobs into queues. With a uniqueness rule the decision costs no round trip more than BullMQ's
 * own `add`: the job gets an id of our making and a deduplication id, and `add` answers with the id
 * of the job that survives. Another id than ours is the refusal; only a refusal reads more.
 */
export class Enqueuer implements Enqueuing {
  private readonly prepared = new Map<string, PreparedType>();

  constructor(private readonly options: EnqueuerOptions) {}

  async enqueue(request: EnqueueRequest): Promise<Decision> {
    const { clock, decisions } = this.options;
    const type = this.typeOf(request.type);
    if (type === undefined) return this.refuseUnknownType(request);
    const jobId = request.jobId ?? newJobId(clock);
    const key =
      type.unique === undefined ? null : uniqueKeyOf(request.type, type.unique, request.data);
    const job = await type.queue.add(
      request.type,
      request.data,
      key === null
        ? { ...type.jobOptions, jobId }
        : { ...type.jobOptions, jobId, deduplication: { id: key.id } },
    );
    const survivorId = job.id ?? jobId;
    if (survivorId === jobId) {
      const fields = fieldsOf(request, key, jobId);
      return request.record === 'refusals'
        ? decisions.accepted(fields)
        : decisions.recordAccepted(fields);
    }
    return decisions.recordSurvivor(refuse(request, key, survivorId), type.queueName, survivorId);
  }

  private typeOf(name: string): PreparedType | undefined {
    const known = this.prepared.get(name);
    if (known !== undefined) return known;
    const { config, queueOf } = this.options;
    const type = Object.hasOwn(config.jobs, name) ? config.jobs[name] : undefined;
    if (type === undefined) return undefined;
    const prepared: PreparedType = {
      queue: queueOf(type.queue),
      queueName: type.queue,
      unique: type.unique,
      jobOptions: {
        ...retryOptions(type.retry),
        removeOnComplete: KEEP_COMPLETED,
        removeOnFail: KEEP_FAILED,
      },
    };
    this.prepared.set(name, prepared);
    return prepared;
  }

  private async refuseUnknownType(request: EnqueueRequest): Promise<never> {
    const name = request.type;
    const known = Object.keys(this.options.config.jobs);
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
}

function fieldsOf(request: EnqueueRequest, key: UniqueKey | null, jobId: string): AcceptedFields {
  return {
    action: request.action ?? 'enqueue',
    subject: request.type,
    key: key === null ? null : key.label,
    jobId,
  };
}

/** The script that records it corrects the outcome when the survivor runs already. */
function refuse(
  request: EnqueueRequest,
  key: UniqueKey | null,
  survivorId: string,
): DecisionFields {
  return {
    ...fieldsOf(request, key, survivorId),
    outcome: 'already_queued',
    reason: 'unique_key',
    survivor: null,
    holder: null,
    until: null,
    remedy: `Wait for job ${survivorId} to end, remove it if it only waits, or change "unique" of ${request.type}.`,
  };
}
