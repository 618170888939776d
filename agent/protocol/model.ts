import * as z from 'zod';
import { debugRow } from './debug.ts';
import { decision, decisionOutcome, decisionReason, holder } from './decision.ts';

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

/** A run in a BullMQ worker that Interlock did not start, as far as Redis tells. */
export const outsideRun = z.object({
  /** The name that its program gave the worker; null: none. */
  worker: z.string().nullable(),
  /** Of its connection to Redis, `host:port`; null: it can not be told which one it is. */
  address: z.string().nullable(),
  /** When its lock ends unless the worker renews it; null: it has no end. */
  lockEndsAt: z.string().nullable(),
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
  /** Who runs it when Interlock did not start that worker; left out: an agent runs it, or nobody. */
  outside: outsideRun.optional(),
});

export const jobDetail = jobRow.extend({
  data: z.unknown(),
  result: z.unknown(),
  stacktrace: z.array(z.string()),
  logs: z.array(z.string()),
});

export const scheduleRow = z.object({
  /** Of one of another program: `queue/id`. */
  name: z.string(),
  job: z.string(),
  /** As written in the config: `every 30s` or `cron 0 3 * * *`. */
  rule: z.string(),
  timezone: z.string().nullable(),
  /** What becomes of slots that passed while there was no scheduler. */
  missed: z.enum(['skip', 'run-once', 'catch-up']),
  /** null while it is paused, and where nothing makes one. */
  nextSlotAt: z.string().nullable(),
  /** The next three, without one that is to be skipped; none while it is paused. */
  nextSlots: z.array(z.string()),
  lastSlotAt: z.string().nullable(),
  /** What enqueueing the last slot came to. */
  lastOutcome: z.string().nullable(),
  /** `host:pid` of the scheduler that enqueued the last slot. */
  lastBy: z.string().nullable(),
  /** Newest first, at most ten. */
  lastSlots: z.array(
    z.object({
      at: z.string(),
      /** The last slot of a stretch that was not enqueued; null: it is one slot. */
      until: z.string().nullable(),
      count: z.number().int(),
      outcome: decisionOutcome,
      /** Why it was not enqueued, when its schedule was the reason. */
      reason: decisionReason.nullable(),
      by: z.string(),
    }),
  ),
  /** How many slots were missed since the schedule, or its rule, is new. */
  missedSlots: z.number().int(),
  pausedAt: z.string().nullable(),
  /** A slot to come that a person does not want. */
  skipSlotAt: z.string().nullable(),
  /** Of a dynamic interval; null: it is fixed. Milliseconds. */
  interval: z
    .object({
      nowMs: z.number(),
      minMs: z.number(),
      maxMs: z.number(),
      /** The mean run time that it follows; null: no run has been measured. */
      runMs: z.number().nullable(),
      /** How many runs that is the mean of. */
      runs: z.number().int(),
    })
    .nullable(),
  /** Of BullMQ's job scheduler of another program, which is shown and not changed. */
  outside: z
    .object({
      queue: z.string(),
      /**
       * `waits`: the job of its slot is due, and BullMQ makes the next one when a worker takes it.
       * `stuck`: that job is gone, so nothing makes the next one. `ended`: it has made its last one.
       */
      state: z.enum(['scheduled', 'waits', 'stuck', 'ended']),
      /** Jobs that it has made; null: BullMQ did not count them. */
      made: z.number().int().nullable(),
      /** It makes so many. */
      limit: z.number().int().nullable(),
      endsAt: z.string().nullable(),
    })
    .optional(),
});

/** One time that an agent held the scheduler's lock. */
export const leaderRow = z.object({
  fence: z.number().int(),
  holder,
  since: z.string(),
  /** null: it holds it, or nobody knows. */
  until: z.string().nullable(),
  /** `lost`: its end passed without renewal. */
  end: z.enum(['holds', 'released', 'died', 'lost']),
});

export const connectionState = z.enum([
  'connecting',
  'subscribing',
  'live',
  'stale',
  'backing_off',
  'suspended',
  'closed',
  /** Outside the hours of its stream. */
  'sleeping',
  /** Wanted, and no agent has it yet. */
  'waiting',
]);

/** Milliseconds from the time in a tick to its arrival, over the last minute. */
export const lagFigures = z.object({ p50: z.number(), p99: z.number() });

/** One shard of a stream, wherever it lives. */
export const connectionRow = z.object({
  shard: z.number().int(),
  state: connectionState,
  /** Since when it is in this state. */
  since: z.string().nullable(),
  messages: z.number().int(),
  ticks: z.number().int(),
  errors: z.number().int(),
  /** All of them, while the stream has at most 500; else none: `streams/symbols` pages through them. */
  symbols: z.array(z.string()),
  symbolCount: z.number().int(),
  lastMessageAt: z.string().nullable(),
  reconnectAttempts: z.number().int(),
  /** How often it ended or could not be made; left out: its agent does not count it. */
  breaks: z.number().int().optional(),
  /** Ticks lost as told by sequence numbers. */
  gaps: z.number().int(),
  /** Ticks given up, because they could not be enqueued in time. */
  dropped: z.number().int(),
  /** Ticks that wait for Redis, in memory and on disk. */
  buffered: z.number().int(),
  /** null: the ticks carry no time. */
  lag: lagFigures.nullable(),
  /** Why it is not live: last error or close code, in words. */
  trouble: z.string().nullable(),
  holder: holder.nullable(),
  fence: z.number().int().nullable(),
  startedAt: z.string().nullable(),
  /** When the figures were taken; null: now, by this agent. */
  asOf: z.string().nullable(),
});

export const streamRow = z.object({
  name: z.string(),
  /** Without user, password and query. */
  url: z.string(),
  /** What the person wants. */
  wanted: z.enum(['running', 'stopped']),
  /**
   * `running`: a shard of it lives here, `elsewhere`: other agents hold it, `waiting`: wanted, and
   * nobody has it yet, `sleeping`: outside its hours.
   */
  state: z.enum(['running', 'elsewhere', 'waiting', 'stopped', 'sleeping']),
  /** Until when it sleeps. */
  until: z.string().nullable(),
  /** Of its hours, for people who read `until`; left out: it has no hours. */
  timezone: z.string().optional(),
  /** Of its first shard that is held. */
  holder: holder.nullable(),
  fence: z.number().int().nullable(),
  startedAt: z.string().nullable(),
  connected: z.number().int(),
  totalMessages: z.number().int(),
  totalTicks: z.number().int(),
  totalErrors: z.number().int(),
  totalGaps: z.number().int(),
  totalDropped: z.number().int(),
  /** Tick batches that became jobs. */
  batches: z.number().int(),
  symbolCount: z.number().int(),
  /** Symbols that are not subscribed, because the stream has more than `maxSymbols`. */
  cutSymbols: z.number().int(),
  /** Symbols that were left out, because another one means the same. */
  aliases: z.number().int(),
  /** What the last health check found, in words. */
  health: z.object({ at: z.string(), ok: z.boolean(), summary: z.string() }).nullable(),
  /** One per shard, in order, whoever holds it. */
  connections: z.array(connectionRow),
});

/** One symbol of a stream. */
export const symbolRow = z.object({
  /** As it is asked for. */
  symbol: z.string(),
  /** What it is stored as. */
  name: z.string(),
  /** null: cut off by `maxSymbols`. */
  shard: z.number().int().nullable(),
  ticks: z.number().int(),
  gaps: z.number().int(),
  lastTickAt: z.string().nullable(),
});

export const lockKind = z.enum(['scheduler', 'stream', 'run', 'job', 'dedup', 'watched']);

export const lockRow = z.object({
  name: z.string(),
  /**
   * `run`: a run of a declared job type, `job`: BullMQ's lock of another worker's run, `dedup`:
   * BullMQ's key that keeps a second job out, `watched`: a key that matches `locks.watch`.
   */
  kind: lockKind,
  /** What it protects: a stream's name, a job's type and key, a Redis key. */
  subject: z.string(),
  /** The job that has it, for `run`, `job` and `dedup`. */
  job: z.object({ queue: z.string(), id: z.string(), type: z.string() }).nullable(),
  holder: holder.nullable(),
  fence: z.number().int().nullable(),
  acquiredAt: z.string().nullable(),
  renewedAt: z.string().nullable(),
  /** Milliseconds left until it ends without renewal, when read; null when it has no end. */
  ttlMs: z.number().int().nullable(),
  /** null: nothing tells since when it is held. */
  ageMs: z.number().int().nullable(),
  /**
   * `paused`: the holder's process is stopped, by SIGSTOP or a debugger. `orphaned`: what it is for
   * has ended, and nobody holds it.
   */
  state: z.enum(['held', 'holder_dead', 'expiring', 'paused', 'orphaned']),
});

/** One execution of a job, as the run history keeps it. */
export const runRow = z.object({
  id: z.string(),
  jobId: z.string(),
  queue: z.string(),
  type: z.string(),
  key: z.string().nullable(),
  /**
   * `lost`: its agent died or lost its lock. `skipped`: the last check before the run refused it.
   * `returned`: the agent left and gave the job back, its attempt unused.
   */
  status: z.enum(['running', 'completed', 'failed', 'skipped', 'lost', 'returned']),
  startedAt: z.string(),
  /** null while it runs. */
  endedAt: z.string().nullable(),
  /** Without the time that it stood still under a debugger. */
  durationMs: z.number().int(),
  /** How long it stood still under a debugger. */
  pausedMs: z.number().int(),
  /** From when it was due until this start of it; null where it was not its first one. */
  waitedMs: z.number().int().nullable().default(null),
  /** Which agent ran it; null when that is not known any more. */
  worker: holder.nullable(),
  /** The schedule whose slot it was. */
  schedule: z.string().nullable(),
  fence: z.number().int().nullable(),
  attempt: z.number().int(),
  /** Why it failed, was skipped or lost. */
  error: z.string().nullable(),
});

/** From which age on a run or a held lock is told about. Milliseconds. Age never frees anything. */
export const ageThresholds = z.object({
  jobWarnMs: z.number(),
  jobCriticalMs: z.number(),
  jobEmergencyMs: z.number(),
  lockWarnMs: z.number(),
  /** The lower one of `locks.emergencyAfter` and `locks.maxAge` (`LOCK_TIMEOUT_MS`). */
  lockEmergencyMs: z.number(),
});

export const ageLevel = z.enum(['normal', 'warning', 'critical', 'emergency']);

/** A run or a lock that has passed a threshold. */
export const ageAlert = z.object({
  kind: z.enum(['job', 'lock']),
  /** `queue/id` of a job, the name of a lock: the key of its row. */
  key: z.string(),
  /** For people: type and key, or the lock's name. */
  name: z.string(),
  level: ageLevel.exclude(['normal']),
  since: z.string(),
});

/** Where the figures for monitoring systems can be read; `url` is null while they can not be. */
export const metricsStatus = z.object({
  url: z.string().nullable(),
  trouble: z.string().nullable(),
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
  jobTypes: z.array(
    z.object({
      name: z.string(),
      queue: z.string(),
      file: z.string(),
      maxConcurrent: z.number().int().nullable(),
    }),
  ),
  thresholds: ageThresholds,
  /** What is over a threshold now, the oldest first. */
  alerts: z.array(ageAlert),
  /** How many there are in Redis; the state holds the first ones of them. */
  totals: z.object({ locks: z.number().int(), decisions: z.number().int() }),
  redis: redisStatus,
  /** Left out: they are off. */
  metrics: metricsStatus.optional(),
});

/** One agent of this Redis, and what it holds. */
export const agentRow = z.object({
  agentId: z.string(),
  host: z.string(),
  pid: z.number().int(),
  role: z.string(),
  /** `self`: who answers. `silent`: on another host, and it has not written for long. */
  state: z.enum(['self', 'alive', 'silent', 'dead']),
  /** When it wrote last that it is there, by its own clock. */
  heartbeatAt: z.string().nullable(),
  /** Queues' workers that it has. */
  workers: z.number().int(),
  /** Streams that it can run. */
  streams: z.array(z.string()),
  runsInProgress: z.number().int(),
  /** Names of the leases that it holds: of the scheduler and of stream shards. */
  leases: z.array(z.string()),
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
  leaders: leaderRow,
  debugs: debugRow,
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
  /** Who was the scheduler: the last ones, by fence. */
  leaders: z.record(z.string(), leaderRow),
  /** Runs under a debugger, here and in other agents. */
  debugs: z.record(z.string(), debugRow),
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
  change('leaders', leaderRow),
  change('debugs', debugRow),
]);

/** `seq` is one more than that of the delta or snapshot before; anything else is a gap. */
export const stateDelta = z.object({ seq: z.number().int(), changes: z.array(stateChange) });

export type JobState = z.infer<typeof jobState>;
export type QueueRow = z.infer<typeof queueRow>;
export type OutsideRun = z.infer<typeof outsideRun>;
export type JobRow = z.infer<typeof jobRow>;
export type JobDetail = z.infer<typeof jobDetail>;
export type ScheduleRow = z.infer<typeof scheduleRow>;
export type LeaderRow = z.infer<typeof leaderRow>;
export type ConnectionState = z.infer<typeof connectionState>;
export type ConnectionRow = z.infer<typeof connectionRow>;
export type SymbolRow = z.infer<typeof symbolRow>;
export type LagFigures = z.infer<typeof lagFigures>;
export type StreamRow = z.infer<typeof streamRow>;
export type LockKind = z.infer<typeof lockKind>;
export type LockRow = z.infer<typeof lockRow>;
export type RunRow = z.infer<typeof runRow>;
export type AgeThresholds = z.infer<typeof ageThresholds>;
export type AgeLevel = z.infer<typeof ageLevel>;
export type AgeAlert = z.infer<typeof ageAlert>;
export type RedisStatus = z.infer<typeof redisStatus>;
export type MetricsStatus = z.infer<typeof metricsStatus>;
export type AgentStatus = z.infer<typeof agentStatus>;
export type AgentRow = z.infer<typeof agentRow>;
export type StateSnapshot = z.infer<typeof stateSnapshot>;
export type StateChange = z.infer<typeof stateChange>;
export type StateDelta = z.infer<typeof stateDelta>;
