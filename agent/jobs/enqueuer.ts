import type { DeduplicationOptions, JobsOptions, Queue } from 'bullmq';
import * as z from 'zod';
import type { Clock } from '../common/clock.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import { JsonText, type JsonValue } from '../common/json.ts';
import { PayloadSchema } from '../config/payloadSchema.ts';
import type { Config } from '../config/schema.ts';
import { MAX_DECISIONS, type DecisionLog } from '../decisions/decisionLog.ts';
import type { Decision } from '../protocol/decision.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { BullmqCall, BullmqScript, Scripts } from '../redis/scripts.ts';
import { BullmqCalls } from './bullmqCalls.ts';
import type { EnqueueRequest, Enqueuing } from './enqueuing.ts';
import { newJobId } from './jobId.ts';
import { payloadInvalid } from './payloadInvalid.ts';
import type { QueueSet } from './queueSet.ts';
import { RecentRefusals } from './recentRefusals.ts';
import { replayOptions } from './replay.ts';
import { retryOptions } from './retryOptions.ts';
import { traceEnqueue } from './traceEnqueue.ts';
import { rulesOf, type TypeRules, type UniqueRule } from './typeRules.ts';
import { uniqueKeyFrom, uniqueKeyOf, type UniqueKey } from './uniqueKey.ts';

/** Finished jobs are kept for looking at, not for ever: BullMQ keeps all unless told otherwise. */
const KEEP_COMPLETED = { count: 1_000, age: 24 * 3_600 };
const KEEP_FAILED = { count: 5_000, age: 7 * 24 * 3_600 };

/** In place of BullMQ's arguments: nothing is to be added. */
const NOTHING_TO_ADD = ['', '', ''];

const UNIT_SEPARATOR = '\u001f';

export interface EnqueuerOptions {
  config: Config;
  queues: QueueSet;
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  decisions: DecisionLog;
  clock: Clock;
  /** What the handler module's `unique` says of a payload; null: this job is not unique. */
  customKey: (type: string, data: JsonValue) => Promise<JsonValue>;
}

/** What is the same for every job of a type. */
interface PreparedType {
  queue: Queue;
  rules: TypeRules;
  /** undefined: any payload fits. */
  schema: PayloadSchema | undefined;
  jobOptions: JobsOptions;
  /** Whether a conflict is a refusal and nothing else. */
  asksFirst: boolean;
  /** What `enqueue.lua` has to know of the type. */
  facts: string;
}

/**
 * Puts jobs into queues. The rules of the type, BullMQ's own `add` and the record of the decision
 * are one script: check and creation have no gap between them, and any answer is one round trip.
 */
export class Enqueuer implements Enqueuing {
  private readonly prepared = new Map<string, Promise<PreparedType>>();
  private readonly calls: BullmqCalls;
  private readonly refusals: RecentRefusals<BullmqScript>;

  constructor(private readonly options: EnqueuerOptions) {
    this.calls = new BullmqCalls(options.redis);
    this.refusals = new RecentRefusals(options.clock);
  }

  async enqueue(request: EnqueueRequest): Promise<Decision> {
    const type = await this.typeOf(request.type);
    if (type === undefined) return this.refuseUnknownType(request);
    if (type.schema !== undefined) await this.refuseMisfit(request, type.schema);
    return traceEnqueue(type.queue, request.type, (metadata) =>
      this.decide(type, request, metadata),
    );
  }

  private async decide(
    type: PreparedType,
    request: EnqueueRequest,
    metadata: string | undefined,
  ): Promise<Decision> {
    const { unique } = type.rules;
    const key =
      unique?.by === 'function' ? await this.customKeyOf(request) : keyOf(unique, request);
    const script = key === null ? undefined : this.refusedOfLate(request, key);
    const add = () => this.add(type, request, key, metadata);
    if (key === null || script === undefined) return add();
    return (await this.askFirst(type, request, key, script)) ?? add();
  }

  private async add(
    type: PreparedType,
    request: EnqueueRequest,
    key: UniqueKey | null,
    metadata: string | undefined,
  ): Promise<Decision> {
    const jobId = request.jobId ?? newJobId(this.options.clock);
    const call = await this.callOf(type, request, key, jobId, metadata);
    const answer = await this.ask(type, request, key, jobId, call);
    const decision = this.told(request, key, jobId, answer);
    if (key !== null && type.asksFirst && decision.outcome !== 'accepted') {
      const { name, lua, keys } = call;
      this.refusals.add(key.id, { name, lua, keys });
    }
    return decision;
  }

  private refusedOfLate(request: EnqueueRequest, key: UniqueKey): BullmqScript | undefined {
    const { jobId, priority, lease } = request;
    const isPlain = jobId === undefined && priority === undefined && lease === undefined;
    return isPlain ? this.refusals.find(key.id) : undefined;
  }

  /**
   * A key that was refused a moment ago is likely to be refused again: then no job is made for it.
   * @returns undefined when it has to be tried
   */
  private async askFirst(
    type: PreparedType,
    request: EnqueueRequest,
    key: UniqueKey,
    script: BullmqScript,
  ): Promise<Decision | undefined> {
    const answer = await this.ask(type, request, key, '', { ...script, args: NOTHING_TO_ADD });
    if (isFree(answer)) {
      this.refusals.delete(key.id);
      return undefined;
    }
    this.refusals.add(key.id, script);
    return this.told(request, key, '', answer);
  }

  private ask(
    type: PreparedType,
    request: EnqueueRequest,
    key: UniqueKey | null,
    jobId: string,
    call: BullmqCall,
  ): Promise<unknown> {
    const { scripts } = this.options;
    const [label, valuesId] = key === null ? ['', ''] : [key.label, key.valuesId];
    const args = [type.facts, jobId, label, valuesId, wishesOf(request)];
    return scripts.runAround('enqueue', call, this.keysOf(request), args);
  }

  private told(
    { action, type }: EnqueueRequest,
    key: UniqueKey | null,
    jobId: string,
    answer: unknown,
  ): Decision {
    const facts = { action: action ?? 'enqueue', subject: type, key: key?.label ?? null, jobId };
    return this.options.decisions.fromScript(answer, facts);
  }

  private keysOf({ lease }: EnqueueRequest): string[] {
    const { keys } = this.options;
    if (lease === undefined) return [keys.decisions];
    const { name, progress } = lease;
    return [keys.decisions, keys.lease(name), ...(progress === undefined ? [] : [progress.key])];
  }

  private async callOf(
    type: PreparedType,
    request: EnqueueRequest,
    key: UniqueKey | null,
    jobId: string,
    metadata: string | undefined,
  ): Promise<BullmqCall> {
    const options: JobsOptions = { ...type.jobOptions, jobId };
    if (metadata !== undefined) options.telemetry = { metadata };
    if (request.priority !== undefined) options.priority = request.priority;
    if (request.delayMs !== undefined) options.delay = request.delayMs;
    if (request.replayOf !== undefined) Object.assign(options, replayOptions(request.replayOf));
    const { unique } = type.rules;
    if (key !== null && unique !== null && unique.while !== 'running')
      options.deduplication = deduplicationOf(unique, key);
    try {
      return await this.calls.ofAdd(type.queue, request.type, request.data, options);
    } catch (error) {
      if (error instanceof InterlockError) throw error;
      throw new InterlockError({
        code: 'payload_invalid',
        message: `A job of type ${request.type} can not be made of this: ${messageOf(error)}.`,
        remedy: 'Correct the payload or the options of the job.',
        cause: error,
      });
    }
  }

  private async customKeyOf({ type, data }: EnqueueRequest): Promise<UniqueKey | null> {
    const value = await this.options.customKey(type, valueOf(data));
    return value === null ? null : uniqueKeyFrom(type, [value]);
  }

  private async typeOf(name: string): Promise<PreparedType | undefined> {
    const known = this.prepared.get(name);
    if (known !== undefined) return known;
    const { config } = this.options;
    const type = Object.hasOwn(config.jobs, name) ? config.jobs[name] : undefined;
    if (type === undefined) return undefined;
    const preparing = this.prepare(name, type);
    this.prepared.set(name, preparing);
    // What failed because Redis was away is tried again by the next one.
    preparing.catch(() => this.prepared.delete(name));
    return preparing;
  }

  private async prepare(name: string, type: Config['jobs'][string]): Promise<PreparedType> {
    const { config, keys, queues } = this.options;
    const queue = await queues.ready(type.queue);
    const rules = rulesOf(type, config.deduplication);
    return {
      ...{ queue, rules },
      schema: type.schema === undefined ? undefined : new PayloadSchema(type.schema),
      asksFirst: rules.unique?.onConflict === 'skip' || rules.unique?.onConflict === 'fail',
      jobOptions: {
        ...retryOptions(type.retry),
        removeOnComplete: KEEP_COMPLETED,
        removeOnFail: KEEP_FAILED,
      },
      facts: [
        ...[queue.toKey(''), rules.unique?.while ?? '', rules.unique?.onConflict ?? 'skip'],
        ...[rules.maxConcurrent, MAX_DECISIONS, keys.agents, keys.admitted(name)],
        ...[keys.running(name), name],
      ].join(UNIT_SEPARATOR),
    };
  }

  private async refuseMisfit(request: EnqueueRequest, schema: PayloadSchema): Promise<void> {
    const { action = 'enqueue', type } = request;
    const problems = schema.problems(valueOf(request.data));
    if (problems.length === 0) return;
    const error = payloadInvalid(type, schema.file, problems);
    // The scheduler records itself what became of a slot.
    if (action !== 'schedule')
      await this.options.decisions.record({
        ...{ action, subject: type, key: null, outcome: 'refused', reason: 'invalid_payload' },
        ...{ jobId: null, survivor: null, holder: null, until: null, remedy: error.message },
      });
    throw error;
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

function valueOf(data: JsonValue | JsonText): JsonValue {
  return data instanceof JsonText ? z.json().parse(JSON.parse(data.text)) : data;
}

function keyOf(rule: UniqueRule | null, { type, data }: EnqueueRequest): UniqueKey | null {
  return rule === null || rule.by === 'function' ? null : uniqueKeyOf(type, rule.by, valueOf(data));
}

/** What `enqueue.lua` answers to one that only asks, where nothing is in the way. */
function isFree(answer: unknown): boolean {
  return Array.isArray(answer) && answer[0] === 'free';
}

/** BullMQ's own key does the work where it can, so that other BullMQ programs see and respect it. */
function deduplicationOf(rule: UniqueRule, { id }: UniqueKey): DeduplicationOptions {
  if (rule.while === 'window') return { id, ttl: rule.windowMs };
  return rule.onConflict === 'reschedule' ? { id, keepLastIfActive: true } : { id };
}

/** What `enqueue.lua` has to know of one request besides its job and key, as JSON; '' for most. */
function wishesOf({ action, priority, record, lease }: EnqueueRequest): string {
  const isPlain = action === undefined && priority === undefined;
  if (isPlain && record === undefined && lease === undefined) return '';
  return JSON.stringify([
    ...[action ?? 'enqueue', priority ?? 0, record !== 'refusals'],
    ...(lease === undefined ? [] : [String(lease.fence)]),
    ...(lease?.progress === undefined ? [] : [flat(lease.progress.fields)]),
  ]);
}

/** Key, value, key, value: for each batch of ticks, so nothing is made in between. */
function flat(fields: ReadonlyMap<string, number>): (string | number)[] {
  const all: (string | number)[] = [];
  for (const [field, value] of fields) all.push(field, value);
  return all;
}
