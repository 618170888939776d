import * as z from 'zod';
import { decision, holder } from './decision.ts';

/** Rows that clients see. Times are ISO texts; durations and ages are milliseconds. */

export const jobState = z.enum([
  'waiting',
  'active',
  'delayed',
  'prioritized',
  'completed',
  'failed',
  'waiting-children',
]);

export const queueRow = z.object({
  name: z.string(),
  paused: z.boolean(),
  counts: z.record(jobState, z.number().int()),
  /** Job types of the config that go to this queue. */
  jobTypes: z.array(z.string()),
});

export const jobRow = z.object({
  id: z.string(),
  queue: z.string(),
  type: z.string(),
  state: jobState,
  /** The uniqueness key, when the type has a rule. */
  key: z.string().nullable(),
  /** Up to 200 characters of the payload as JSON. */
  dataPreview: z.string(),
  attemptsMade: z.number().int(),
  maxAttempts: z.number().int(),
  /** Whatever the handler reported last; null when it reported nothing. */
  progress: z.unknown(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  /** When a delayed job is due. */
  dueAt: z.string().nullable(),
  failedReason: z.string().nullable(),
});

export const jobDetail = jobRow.extend({
  data: z.unknown(),
  result: z.unknown(),
  stacktrace: z.array(z.string()),
  logs: z.array(z.string()),
});

export const scheduleRow = z.object({
  name: z.string(),
  job: z.string(),
  /** As written in the config: `every 30s` or `cron 0 3 * * *`. */
  rule: z.string(),
  timezone: z.string().nullable(),
  nextSlotAt: z.string().nullable(),
  lastSlotAt: z.string().nullable(),
  /** What enqueueing the last slot came to. */
  lastOutcome: z.string().nullable(),
  /** `host:pid` of the scheduler that enqueued the last slot. */
  lastBy: z.string().nullable(),
});

export const connectionState = z.enum([
  'connecting',
  'subscribing',
  'live',
  'stale',
  'backing_off',
  'suspended',
  'closed',
]);

export const connectionRow = z.object({
  shard: z.number().int(),
  state: connectionState,
  messages: z.number().int(),
  ticks: z.number().int(),
  errors: z.number().int(),
  symbols: z.array(z.string()),
  lastMessageAt: z.string().nullable(),
  reconnectAttempts: z.number().int(),
  /** Ticks lost as told by sequence numbers. */
  gaps: z.number().int(),
  /** Why it is not live: last error or close code, in words. */
  trouble: z.string().nullable(),
});

export const streamRow = z.object({
  name: z.string(),
  /** Without user, password and query. */
  url: z.string(),
  /** What the person wants. */
  wanted: z.enum(['running', 'stopped']),
  /** `running` here, `elsewhere`: another agent holds it, `waiting`: wanted, lease not yet ours. */
  state: z.enum(['running', 'elsewhere', 'waiting', 'stopped']),
  holder: holder.nullable(),
  fence: z.number().int().nullable(),
  startedAt: z.string().nullable(),
  connected: z.number().int(),
  totalMessages: z.number().int(),
  totalTicks: z.number().int(),
  totalErrors: z.number().int(),
  /** Tick batches that became jobs. */
  batches: z.number().int(),
  connections: z.array(connectionRow),
});

export const lockRow = z.object({
  name: z.string(),
  kind: z.enum(['scheduler', 'stream', 'run', 'job']),
  /** What it protects: a stream's name, a job's id. */
  subject: z.string(),
  holder: holder.nullable(),
  fence: z.number().int().nullable(),
  acquiredAt: z.string().nullable(),
  renewedAt: z.string().nullable(),
  /** Milliseconds left until it ends without renewal, when read. */
  ttlMs: z.number().int(),
  ageMs: z.number().int(),
  state: z.enum(['held', 'holder_dead', 'expiring']),
});

export const redisStatus = z.object({
  kind: z.enum(['private', 'url']),
  /** Socket path or URL without user and password. */
  address: z.string(),
  version: z.string().nullable(),
  state: z.enum(['connected', 'connecting', 'unreachable']),
  trouble: z.string().nullable(),
});

export const agentStatus = z.object({
  agentId: z.string(),
  pid: z.number().int(),
  host: z.string(),
  role: z.string(),
  version: z.string(),
  protocol: z.number().int(),
  workspace: z.string(),
  stateFolder: z.string(),
  startedAt: z.string(),
  /** Now by the agent's clock when the row was made: clients count ages from it. */
  now: z.string(),
  draining: z.boolean(),
  clients: z.number().int(),
  runsInProgress: z.number().int(),
  configPath: z.string().nullable(),
  /** Why the config on disk is not the one in force, when it is not. */
  configTrouble: z.string().nullable(),
  /** Job types in force. */
  jobTypes: z.array(z.object({ name: z.string(), queue: z.string(), file: z.string() })),
  redis: redisStatus,
});

/** One row per key in each collection; `agent` has one row with the key `agent`. */
export const collections = {
  agent: agentStatus,
  queues: queueRow,
  jobs: jobRow,
  schedules: scheduleRow,
  streams: streamRow,
  locks: lockRow,
  decisions: decision,
} as const;

export type CollectionName = keyof typeof collections;

export const stateSnapshot = z.object({
  seq: z.number().int(),
  /** Rows by key. Job keys are `queue/id`; other keys are names or ids. */
  agent: z.record(z.string(), agentStatus),
  queues: z.record(z.string(), queueRow),
  jobs: z.record(z.string(), jobRow),
  schedules: z.record(z.string(), scheduleRow),
  streams: z.record(z.string(), streamRow),
  locks: z.record(z.string(), lockRow),
  decisions: z.record(z.string(), decision),
});

const change = <N extends string, S extends z.ZodType>(collection: N, row: S) =>
  z.object({ collection: z.literal(collection), key: z.string(), row: row.nullable() });

/** One row set, or removed when `row` is null. */
export const stateChange = z.discriminatedUnion('collection', [
  change('agent', agentStatus),
  change('queues', queueRow),
  change('jobs', jobRow),
  change('schedules', scheduleRow),
  change('streams', streamRow),
  change('locks', lockRow),
  change('decisions', decision),
]);

/** `seq` is one more than that of the delta or snapshot before; anything else is a gap. */
export const stateDelta = z.object({ seq: z.number().int(), changes: z.array(stateChange) });

export type JobState = z.infer<typeof jobState>;
export type QueueRow = z.infer<typeof queueRow>;
export type JobRow = z.infer<typeof jobRow>;
export type JobDetail = z.infer<typeof jobDetail>;
export type ScheduleRow = z.infer<typeof scheduleRow>;
export type ConnectionState = z.infer<typeof connectionState>;
export type ConnectionRow = z.infer<typeof connectionRow>;
export type StreamRow = z.infer<typeof streamRow>;
export type LockRow = z.infer<typeof lockRow>;
export type RedisStatus = z.infer<typeof redisStatus>;
export type AgentStatus = z.infer<typeof agentStatus>;
export type StateSnapshot = z.infer<typeof stateSnapshot>;
export type StateChange = z.infer<typeof stateChange>;
export type StateDelta = z.infer<typeof stateDelta>;
