import * as z from 'zod';
import { define } from './define.ts';

/**
 * `armed`: waits for the next job of a type. `starting`: the job is ours, its process or thread
 * starts. `ready`: that waits for the debugger. `left`: the debugger went away while it was paused,
 * and a person chooses what becomes of the run. `undebugged`: it goes on without a debugger.
 */
export const debugState = z.enum([
  'armed',
  'starting',
  'ready',
  'running',
  'paused',
  'left',
  'undebugged',
  'ended',
]);

/** What becomes of a run when its debugger is stopped. */
export const debugEnd = z.enum(['give_back', 'fail', 'go_on']);

/** One run under a debugger, or the wait for one. */
export const debugRow = z.object({
  id: z.string(),
  type: z.string(),
  /** Absolute path of the handler. */
  file: z.string(),
  /** null while it waits for a job. */
  job: z.object({ queue: z.string(), id: z.string() }).nullable(),
  state: debugState,
  /** Where it is paused: `path:line`; null while it is not. */
  pausedAt: z.string().nullable(),
  /** Since when it is paused. */
  pausedSince: z.string().nullable(),
  /** Of the pauses that are over. */
  pausedMs: z.number().int(),
  /** `queue/id` of the job that runs again, for a replay. */
  replayOf: z.string().nullable(),
  /** Its handler runs inside the agent otherwise; for the debugger it has a process of its own. */
  movedOut: z.boolean(),
});

const ref = z.strictObject({ id: z.string() });
const jobRef = z.strictObject({ id: z.string().min(1), queue: z.string().optional() });
const name = z.string().min(1);

/** What a client may ask about debugging. */
export const debugRequests = {
  /** Debugs one job; with other data, or when it has ended, as a replay. */
  debugJob: define('debug/job', jobRef.extend({ data: z.json().optional() }), debugRow),
  /** Debugs a new job of a type. */
  debugNew: define(
    'debug/new',
    z.strictObject({ type: name, data: z.json().default({}) }),
    debugRow,
  ),
  /** Waits for the next job of a type, wherever it is enqueued. Ends with the client that asked. */
  debugNext: define('debug/next', z.strictObject({ type: name }), debugRow),
  /** The address that lets one debugger in, once. */
  attachDebugger: define('debug/attach', ref, z.object({ url: z.string() })),
  /** Where it is paused, as the editor shows it: `path:line`. */
  debugPlace: define('debug/place', ref.extend({ at: z.string() }), debugRow),
  endDebug: define('debug/end', ref.extend({ how: debugEnd }), debugRow),
  debugs: define('debug/list', z.object({}), z.array(debugRow)),
};

export type DebugState = z.infer<typeof debugState>;
export type DebugEnd = z.infer<typeof debugEnd>;
export type DebugRow = z.infer<typeof debugRow>;
