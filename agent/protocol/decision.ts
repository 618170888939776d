import * as z from 'zod';

/** What was asked for. */
export const decisionAction = z.enum([
  'enqueue',
  'requeue',
  'schedule',
  'execute',
  'start_stream',
  'stop_stream',
  'restart_stream',
  'resume_stream',
  'rotate_stream',
  'change_symbols',
  'pause_schedule',
  'resume_schedule',
  'skip_slot',
  'gap',
  'release',
  'takeover',
  'reap',
  'drain',
  'stall',
]);

/** How it ended. Everything but `accepted` is a refusal, or a change of what was asked for. */
export const decisionOutcome = z.enum([
  'accepted',
  'already_queued',
  'already_running',
  'skipped',
  'replaced',
  'rescheduled',
  'refused',
]);

/** The rule that decided. */
export const decisionReason = z.enum([
  'within_limits',
  'unique_key',
  'higher_priority',
  'concurrency_limit',
  'concurrent_execution_detected',
  'slot_taken',
  'not_due',
  'slot_missed',
  'skipped_by_person',
  'schedule_paused',
  'not_paused',
  'outside_hours',
  'role_forbids',
  'lease_held',
  'lease_lost',
  'lock_not_renewed',
  'holder_dead',
  'holder_alive',
  'orphaned',
  'released_by_person',
  'drained_by_person',
  'not_running',
  'not_suspended',
  'max_symbols',
  'ticks_missing',
  'ticks_dropped',
  'unknown_type',
  'invalid_payload',
]);

/** Who holds a lease: enough to find the process, and to prove that it is gone. */
export const holder = z.object({
  host: z.string(),
  /** Machine, boot and process namespace: process ids mean something only within one of them. */
  hostId: z.string(),
  pid: z.number().int(),
  role: z.string(),
  agentId: z.string(),
  /** Clock ticks or a date text, as the platform tells it; with `pid` it names one process for good. */
  processStart: z.string().nullable(),
  /** null: it can not be told from here (another host). */
  alive: z.boolean().nullable(),
});

/** How a run ended without a word of its worker, which Interlock did not start. */
export const stall = z.object({
  /** Its name; null: it has none. */
  worker: z.string().nullable(),
  /** Of its connection to Redis, `host:port`; null: it can not be told which one it is. */
  address: z.string().nullable(),
  /** Whether that connection is still open; null: not known. */
  connected: z.boolean().nullable(),
  /** Which start of the job it was, as BullMQ counts them: 1 for the first. */
  start: z.number().int(),
  /** How often the job has stalled, as BullMQ counts it. */
  stalls: z.number().int(),
  attemptsMade: z.number().int(),
  /** Who put the job back into its queue. */
  movedBy: z.enum(['bullmq', 'interlock']),
  /** What became of the job then. */
  next: z.enum(['waits', 'started', 'failed', 'removed']),
  /** Who has it now: `agent <id>`, or the name of a worker; null: nobody, or a worker without a name. */
  nextWorker: z.string().nullable(),
});

/** The recorded outcome of asking for something. */
export const decision = z.object({
  id: z.string(),
  at: z.string(),
  action: decisionAction,
  subject: z.string(),
  key: z.string().nullable(),
  outcome: decisionOutcome,
  reason: decisionReason,
  jobId: z.string().nullable(),
  survivor: z
    .object({ jobId: z.string(), state: z.string(), since: z.string().nullable() })
    .nullable(),
  holder: holder.nullable(),
  until: z.string().nullable(),
  remedy: z.string().nullable(),
  /** Of a type with `maxConcurrent`: how many were queued or running, and how many may be. */
  counts: z
    .object({ queuedOrRunning: z.number().int(), limit: z.number().int() })
    .nullable()
    .default(null),
  /** Slots of a schedule that it is about: those that were not enqueued, or the one to be skipped. */
  slots: z
    .object({
      count: z.number().int(),
      /** There were more of them than were counted. */
      atLeast: z.boolean(),
      from: z.string(),
      to: z.string(),
    })
    .optional(),
  /** Of a job that stalled in a worker that Interlock did not start. */
  stall: stall.optional(),
});

export type DecisionAction = z.infer<typeof decisionAction>;
export type DecisionOutcome = z.infer<typeof decisionOutcome>;
export type DecisionReason = z.infer<typeof decisionReason>;
export type Holder = z.infer<typeof holder>;
export type Stall = z.infer<typeof stall>;
export type Decision = z.infer<typeof decision>;
