import * as z from 'zod';
import type { Decision } from '../../agent/protocol/decision.ts';

/** What a run of a handler wants to do to the resource. */
export const effectRequest = z.object({
  /** Names one call of the handler. */
  run: z.string(),
  jobId: z.string(),
  type: z.string(),
  /** What the resource keeps a token for. */
  key: z.string(),
  /** Number of the enqueue that the job came from; null for a slot of the schedule. */
  n: z.number().nullable(),
  attempt: z.number(),
  fence: z.number(),
  kind: z.enum(['start', 'step', 'end']),
});

export type EffectRequest = z.infer<typeof effectRequest>;

/** In the order in which they came to the resource. */
export interface Effect extends EffectRequest {
  /** On the runner's monotonic clock, as all times of the record. */
  atMs: number;
  accepted: boolean;
}

/** What asking an agent for a job came to. */
export type EnqueueAnswer =
  | { kind: 'decision'; decision: Decision }
  /** No answer came: the job may be there. */
  | { kind: 'unknown'; why: string }
  /** An error that says neither that Redis nor that the agent is away. */
  | { kind: 'error'; why: string };

export interface EnqueueEntry {
  n: number;
  agent: string;
  type: string;
  key: string;
  askedAtMs: number;
  answeredAtMs: number | null;
  answer: EnqueueAnswer | null;
}

/** An entry of the event stream that BullMQ writes for a queue. */
export interface QueueEvent {
  id: string;
  queue: string;
  event: string;
  jobId: string;
  fields: Record<string, string>;
}

/** A job that has not ended, as one script saw all of them at one moment. */
export const liveJob = z.object({
  id: z.string(),
  queue: z.string(),
  state: z.string(),
  type: z.string(),
  key: z.string().nullable(),
});

export type LiveJob = z.infer<typeof liveJob>;

/** What a type promises. */
export interface TypeRule {
  /** At most one job of a key is queued or running. */
  unique: boolean;
  /** At most so many jobs are queued or running. */
  limit: number | null;
}

/** What a handler returns, and so what is recorded as the result of its job. */
export const runResult = z.object({ run: z.string(), fence: z.number() });

export interface FaultRecord {
  rules: Record<string, TypeRule>;
  effects: Effect[];
  enqueues: EnqueueEntry[];
  /** In the order of each queue's stream. */
  events: QueueEvent[];
  decisions: Decision[];
  /** Redis' milliseconds when the faults had stopped: what was added before has had its time to end. */
  calmSinceMs: number;
  /** Found while it ran: see checkSnapshot. */
  seen: Violation[];
}

/** Something that must not happen, and what of the record shows it. */
export interface Violation {
  rule: ViolationRule;
  /** Which key, job or agent; with the rule it names the violation. */
  subject: string;
  what: string;
  excerpt: string[];
}

export type ViolationRule =
  | 'tokens_grow'
  | 'one_token_one_run'
  | 'overlap'
  | 'stale_result'
  | 'ended_once'
  | 'added_once'
  | 'not_ended'
  | 'wrong_end'
  | 'enqueued_twice'
  | 'refused_but_ran'
  | 'accepted_is_another'
  | 'unexplained_refusal'
  | 'unrecorded_refusal'
  | 'unexplained_error'
  | 'never_answered'
  | 'unique_key'
  | 'concurrency_limit'
  | 'two_places'
  | 'schedule_stopped'
  | 'agent_ended'
  | 'agent_silent'
  | 'left_process';
