import * as z from 'zod';
import { decision } from './decision.ts';
import { define, defineNotification } from './define.ts';
import {
  agentStatus,
  jobDetail,
  jobRow,
  jobState,
  lockRow,
  queueRow,
  scheduleRow,
  stateDelta,
  stateSnapshot,
  streamRow,
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

/** Everything a client may ask an agent. `hello` comes first; before it all else is refused. */
export const requests = {
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
  stop: define('agent/stop', nothing, nothing),
  log: define(
    'agent/log',
    z.strictObject({ lines: z.number().int().min(1).max(10_000).default(200) }),
    z.object({ path: z.string(), lines: z.array(z.string()) }),
  ),

  subscribe: define('state/subscribe', nothing, stateSnapshot),
  unsubscribe: define('state/unsubscribe', nothing, nothing),

  enqueue: define(
    'jobs/enqueue',
    z.strictObject({
      type: name,
      data: z.json().default({}),
      count: z.number().int().min(1).max(100_000).default(1),
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
  remove: define('jobs/remove', z.strictObject({ jobs: z.array(jobRef) }), bulkResult),

  queues: define('queues/list', nothing, z.array(queueRow)),
  pauseQueue: define('queues/pause', z.strictObject({ queue: name }), queueRow),
  resumeQueue: define('queues/resume', z.strictObject({ queue: name }), queueRow),

  schedules: define('schedules/list', nothing, z.array(scheduleRow)),
  runSchedule: define('schedules/run', z.strictObject({ name }), decision),

  streams: define('streams/list', nothing, z.array(streamRow)),
  startStream: define('streams/start', z.strictObject({ name }), decision),
  stopStream: define('streams/stop', z.strictObject({ name }), decision),
  restartStream: define('streams/restart', z.strictObject({ name }), decision),

  locks: define('locks/list', nothing, z.array(lockRow)),
  decisions: define(
    'decisions/list',
    z.strictObject({ subject: z.string().optional(), key: z.string().optional(), ...page }),
    z.array(decision),
  ),

  simulateDuplicates: define(
    'simulate/duplicates',
    simulateDuplicatesParams,
    simulateDuplicatesResult,
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
  stopping: defineNotification('agent/stopping', z.object({ reason: z.string() })),
} as const;

export type Requests = typeof requests;
export type Notifications = typeof notifications;
export type SimulateDuplicatesParams = z.infer<typeof simulateDuplicatesParams>;
export type SimulateDuplicatesResult = z.infer<typeof simulateDuplicatesResult>;
export type BulkResult = z.infer<typeof bulkResult>;
