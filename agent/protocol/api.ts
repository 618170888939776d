import * as z from 'zod';
import { debugRequests } from './debug.ts';
import { decision, decisionAction, decisionOutcome } from './decision.ts';
import { define, defineNotification } from './define.ts';
import {
  ageAlert,
  agentRow,
  agentStatus,
  jobDetail,
  jobRow,
  jobState,
  leaderRow,
  lockKind,
  lockRow,
  queueRow,
  runRow,
  scheduleRow,
  stateDelta,
  stateSnapshot,
  streamRow,
  symbolRow,
} from './model.ts';

const nothing = z.object({});
const name = z.string().min(1);
const jobRef = z.strictObject({ id: z.string().min(1), queue: z.string().optional() });
const page = {
  limit: z.number().int().min(1).max(1000).default(100),
  offset: z.number().int().min(0).default(0),
};

/** What happened to each job of a bulk action: all of them are named, done or not. */
const bulkResult = z.object({
  done: z.array(z.string()),
  refused: z.array(z.object({ id: z.string(), why: z.string() })),
});

/** A page of a list that may be long, and how long it is. */
const pageOf = <S extends z.ZodType>(row: S) =>
  z.object({ rows: z.array(row), total: z.number().int() });

const shardRef = z.strictObject({ name, shard: z.number().int().min(0).optional() });
const symbolsRef = z.strictObject({
  name,
  symbols: z.array(z.string().min(1)).min(1).max(100_000),
});

/** What became of the symbols that a person asked to add or to remove. */
export const symbolsChange = z.object({
  decision,
  /** Subscribed or unsubscribed by this. */
  changed: z.array(z.string()),
  /** Nothing to do: subscribed already (maybe by another name), or not there. */
  unchanged: z.array(z.object({ symbol: z.string(), why: z.string() })),
  /** Cut off by `maxSymbols`. */
  cut: z.array(z.string()),
});

/** What a drain removed, or would remove; null: nothing was done yet. */
export const queueDrained = z.object({
  decision: decision.nullable(),
  removed: z.number().int(),
});

/** Something in Redis that belongs to nobody any more. */
export const orphan = z.object({
  kind: z.enum(['lease', 'dedup', 'admission', 'running', 'agent', 'stuck_job']),
  /** The Redis key, with the member when it is one of many. */
  name: z.string(),
  /** What it was for: a type and key, a stream, a job. */
  subject: z.string(),
  /** Why it is an orphan: one sentence, with the proof. */
  why: z.string(),
  /** false in a dry run, and when it came to life meanwhile. */
  removed: z.boolean(),
});

export const storyName = z.enum([
  'page-refresh',
  'double-scheduler',
  'stacking',
  'lock-timeout',
  'worker-crash',
  'frozen-holder',
]);

/** One line of what happened in a simulated story. */
export const storyEvent = z.object({
  /** Milliseconds of the story's own time, which may be scaled. */
  atMs: z.number(),
  /** Who did it: `agent 1`, `person`, `scheduler 2`. */
  actor: z.string(),
  text: z.string(),
  tone: z.enum(['neutral', 'good', 'bad']),
});

export const storyResult = z.object({
  story: storyName,
  naive: z.boolean(),
  /** Whether the bug of the story showed. */
  bug: z.boolean(),
  /** The bug, or its absence, in one sentence. */
  verdict: z.string(),
  /** Figures of it, such as runs, most runs at one time, refusals by reason. */
  figures: z.record(z.string(), z.number()),
  timeline: z.array(storyEvent),
  /** One second of real time is so many of the story. */
  timeScale: z.number(),
  ms: z.number(),
});

export const simulateDuplicatesParams = z.strictObject({
  jobType: name,
  processes: z.number().int().min(1).max(64).default(4),
  attempts: z.number().int().min(1).max(100_000).default(400),
  naive: z.boolean().default(false),
});

export const simulateDuplicatesResult = z.object({
  jobType: z.string(),
  attempts: z.number().int(),
  accepted: z.number().int(),
  refused: z.object({ byLayer: z.record(z.string(), z.number().int()) }),
  runs: z.number().int(),
  maxConcurrentRuns: z.number().int(),
  ms: z.number(),
  naive: z.boolean(),
  processes: z.number().int(),
});

/** A place in the text of a payload that its schema does not allow. */
export const payloadProblem = z.object({
  /** Characters from the beginning of the text. */
  offset: z.number().int(),
  length: z.number().int(),
  message: z.string(),
});

/** Everything a client may ask an agent. `hello` comes first; before it all else is refused. */
export const requests = {
  ...debugRequests,
  hello: define(
    'hello',
    z.strictObject({
      token: z.string(),
      protocol: z.number().int(),
      client: z.strictObject({
        kind: z.enum(['extension', 'cli', 'test']),
        version: z.string(),
        pid: z.number().int(),
      }),
    }),
    z.object({
      protocol: z.number().int(),
      version: z.string(),
      agentId: z.string(),
      pid: z.number().int(),
      role: z.string(),
    }),
  ),
  /** Allowed with the token alone, whatever the protocol: a newer side asks an older agent to leave. */
  drain: define(
    'agent/drain',
    z.strictObject({ token: z.string() }),
    z.object({ runsInProgress: z.number().int() }),
  ),
  status: define('agent/status', nothing, agentStatus),
  /** Every agent of this Redis, by role and host. */
  agents: define('agents/list', nothing, z.array(agentRow)),
  /** `withinMs`: when its process is gone at the latest, with Redis dead too. */
  stop: define('agent/stop', nothing, z.object({ withinMs: z.number().optional() })),
  log: define(
    'agent/log',
    z.strictObject({ lines: z.number().int().min(1).max(10_000).default(200) }),
    z.object({ path: z.string(), lines: z.array(z.string()) }),
  ),

  /** What of a text does not fit as the payload of a job type, and where; none for a text that is no JSON. */
  checkPayload: define(
    'payload/check',
    z.strictObject({ type: name, text: z.string() }),
    z.array(payloadProblem),
  ),

  subscribe: define('state/subscribe', nothing, stateSnapshot),
  unsubscribe: define('state/unsubscribe', nothing, nothing),

  enqueue: define(
    'jobs/enqueue',
    z.strictObject({
      type: name,
      data: z.json().default({}),
      count: z.number().int().min(1).max(100_000).default(1),
      /** As BullMQ counts: 1 is the highest; left out comes before all numbers. */
      priority: z.number().int().min(1).max(2_097_152).optional(),
      /** Milliseconds until it is due. */
      delayMs: z.number().int().min(0).optional(),
    }),
    z.array(decision),
  ),
  jobs: define(
    'jobs/list',
    z.strictObject({
      type: z.string().optional(),
      state: jobState.optional(),
      queue: z.string().optional(),
      search: z.string().optional(),
      ...page,
    }),
    z.array(jobRow),
  ),
  job: define('jobs/get', jobRef, jobDetail),
  requeue: define(
    'jobs/requeue',
    z.strictObject({
      jobs: z.array(jobRef).default([]),
      allFailed: z.boolean().default(false),
      queue: z.string().optional(),
    }),
    bulkResult,
  ),
  promote: define('jobs/promote', z.strictObject({ jobs: z.array(jobRef) }), bulkResult),
  /** Runs a job again as a new one, with its payload or another: the old one stays as it is. */
  rerun: define(
    'jobs/rerun',
    z.strictObject({ ...jobRef.shape, data: z.json().optional() }),
    decision,
  ),
  remove: define('jobs/remove', z.strictObject({ jobs: z.array(jobRef) }), bulkResult),

  queues: define('queues/list', nothing, z.array(queueRow)),
  pauseQueue: define('queues/pause', z.strictObject({ queue: name }), queueRow),
  resumeQueue: define('queues/resume', z.strictObject({ queue: name }), queueRow),
  /** Removes what waits in a queue; what runs goes on. */
  drainQueue: define(
    'queues/drain',
    z.strictObject({
      queue: name,
      /** Delayed jobs as well: retries of failed ones are among them. */
      delayed: z.boolean().default(false),
      /** Only tells how many would go. */
      dryRun: z.boolean().default(true),
    }),
    queueDrained,
  ),

  schedules: define('schedules/list', nothing, z.array(scheduleRow)),
  runSchedule: define('schedules/run', z.strictObject({ name }), decision),
  pauseSchedule: define('schedules/pause', z.strictObject({ name }), decision),
  /** Goes on with the next slot: what passed meanwhile is not caught up. */
  resumeSchedule: define('schedules/resume', z.strictObject({ name }), decision),
  /** The next slot is not enqueued. */
  skipSlot: define('schedules/skip', z.strictObject({ name }), decision),
  /** Who held the scheduler's lock, newest first. */
  leaders: define('schedules/leaders', nothing, z.array(leaderRow)),

  streams: define('streams/list', nothing, z.array(streamRow)),
  startStream: define('streams/start', z.strictObject({ name }), decision),
  stopStream: define('streams/stop', z.strictObject({ name }), decision),
  restartStream: define('streams/restart', z.strictObject({ name }), decision),
  /** Tries again what is suspended: one shard, or all of them. */
  resumeStream: define('streams/resume', shardRef, decision),
  /** A new connection first, then the old one closes: one shard, or all of them one after the other. */
  rotateStream: define('streams/rotate', shardRef, decision),
  addSymbols: define('streams/add-symbols', symbolsRef, symbolsChange),
  removeSymbols: define('streams/remove-symbols', symbolsRef, symbolsChange),
  symbols: define(
    'streams/symbols',
    z.strictObject({
      ...{ name, shard: z.number().int().min(0).optional() },
      search: z.string().optional(),
      ...page,
    }),
    pageOf(symbolRow),
  ),

  /** What needs a person first, then by kind and name. */
  locks: define(
    'locks/list',
    z.strictObject({
      kind: lockKind.optional(),
      /** Found in name, subject or holder. */
      search: z.string().optional(),
      olderThanMs: z.number().nonnegative().optional(),
      ...page,
    }),
    pageOf(lockRow),
  ),
  /**
   * Frees a lock. With a dead holder it needs no more; with a live one `force`, and the fence that
   * the person saw: the token moves on, so the old holder can do no harm.
   */
  releaseLock: define(
    'locks/release',
    z.strictObject({
      name,
      force: z.boolean().default(false),
      /** Released only when it is still this holding; left out: whoever has it now. */
      fence: z.number().int().optional(),
    }),
    decision,
  ),
  /** Newest first. */
  decisions: define(
    'decisions/list',
    z.strictObject({
      subject: z.string().optional(),
      key: z.string().optional(),
      outcome: decisionOutcome.optional(),
      action: decisionAction.optional(),
      ...page,
    }),
    pageOf(decision),
  ),
  reap: define(
    'orphans/reap',
    z.strictObject({ dryRun: z.boolean().default(true) }),
    z.array(orphan),
  ),
  /** Runs that go on first, then those that ended, newest first. */
  history: define(
    'runs/list',
    z.strictObject({
      type: z.string().optional(),
      key: z.string().optional(),
      status: runRow.shape.status.optional(),
      /** Only runs that go on, for longer than that. */
      runningLongerThanMs: z.number().nonnegative().optional(),
      ...page,
    }),
    pageOf(runRow),
  ),

  simulateDuplicates: define(
    'simulate/duplicates',
    simulateDuplicatesParams,
    simulateDuplicatesResult,
  ),
  simulateStory: define(
    'simulate/story',
    z.strictObject({ story: storyName, naive: z.boolean().default(false) }),
    storyResult,
  ),
} as const;

/** What an agent tells its clients unasked. */
export const notifications = {
  delta: defineNotification('state/delta', stateDelta),
  simulateProgress: defineNotification(
    'simulate/progress',
    z.object({
      phase: z.enum(['starting', 'racing', 'running', 'done']),
      answered: z.number().int(),
      attempts: z.number().int(),
    }),
  ),
  /** An event of the story that is simulated for this client. */
  storyEvent: defineNotification('simulate/event', storyEvent),
  /** A run or a lock has passed a threshold of age. */
  alert: defineNotification('alert', ageAlert),
  stopping: defineNotification('agent/stopping', z.object({ reason: z.string() })),
} as const;

export type Requests = typeof requests;
export type Notifications = typeof notifications;
export type SimulateDuplicatesParams = z.infer<typeof simulateDuplicatesParams>;
export type SimulateDuplicatesResult = z.infer<typeof simulateDuplicatesResult>;
export type Orphan = z.infer<typeof orphan>;
export type StoryName = z.infer<typeof storyName>;
export type StoryEvent = z.infer<typeof storyEvent>;
export type StoryResult = z.infer<typeof storyResult>;
export type SymbolsChange = z.infer<typeof symbolsChange>;
export type QueueDrained = z.infer<typeof queueDrained>;
export type PayloadProblem = z.infer<typeof payloadProblem>;
export type BulkResult = z.infer<typeof bulkResult>;
