import * as z from 'zod';
import { parseDurationMs } from '../common/duration.ts';
import { redisConfig } from './redisConfig.ts';
import { isPair, PAIR_EXPECTED, tlsFiles } from './tlsFiles.ts';

const DURATION_EXPECTED =
  'expected a duration: milliseconds, or text such as "200ms", "30s", "5m", "1h"';

/** Timers of Node take 2^31 - 1 ms; what is longer would fire at once. */
const LONGEST_TIMER_MS = 20 * 86_400_000;

/** Milliseconds from a number or from text such as "30s". */
const duration = z
  .union([z.number().nonnegative(DURATION_EXPECTED), z.string()], { error: DURATION_EXPECTED })
  .transform((value, context) => {
    const ms = typeof value === 'number' ? Math.round(value) : parseDurationMs(value);
    if (ms !== undefined) return ms;
    context.addIssue({ code: 'custom', message: DURATION_EXPECTED });
    return z.NEVER;
  })
  .meta({ description: 'Milliseconds, or text such as "200ms", "30s", "5m", "1h".' });

/** A duration that a timer of ours waits for. */
function timerDuration(leastMs: number) {
  return duration
    .refine((ms) => ms >= leastMs, `expected at least ${leastMs} ms`)
    .refine((ms) => ms <= LONGEST_TIMER_MS, 'expected at most "20d"');
}

/** A URL that can be parsed and begins with one of these schemes. */
function isUrlOf(text: string, schemes: RegExp): boolean {
  return schemes.test(text) && URL.canParse(text);
}

/** A lease is renewed at a third of its TTL: below that it would be lost in any short pause. */
const MIN_LEASE_MS = 200;

const MINUTE_MS = 60_000;

/** What OpenTelemetry's exporter for Prometheus uses. */
const DEFAULT_METRICS_PORT = 9_464;

/** With it an agent is gone 5 s after it was told to stop, whatever hangs. */
export const USUAL_FINISH_RUNS_MS = 2_500;

const positiveInt = z.number().int().positive();
const timeOfDay = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'expected a time such as "09:15"');
const isoDate = z.iso.date('expected a date such as "2026-01-26"');
const weekday = z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']);

const timezone = z
  .string()
  .refine(isTimezone, 'expected an IANA time zone such as "Asia/Jerusalem"');

function isTimezone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const BY_EXPECTED =
  'expected payload paths such as ["network"], [] for the type itself, or "function"';

const unique = z
  .strictObject({
    by: z.union([z.array(z.string().min(1)), z.literal('function')], { error: BY_EXPECTED }).meta({
      description:
        'Payload paths that make the key, such as "network" or "user.id". [] = the type itself. "function" = what the function `unique` that the handler module exports returns for a job.',
    }),
    while: z
      .enum(['queued-or-running', 'queued', 'running', 'window'])
      .default('queued-or-running')
      .meta({
        description:
          'While a job of the key is in such a state, no second one comes in. "window": for a time after one was accepted, whatever became of it.',
      }),
    window: timerDuration(1).optional().meta({ description: 'How long, for "while": "window".' }),
    onConflict: z.enum(['skip', 'replace', 'reschedule', 'fail']).default('skip').meta({
      description:
        'What becomes of the second one. "skip": refused. "fail": refused, and enqueueing fails. "replace": the one that waits takes its payload. "reschedule": it runs after the one that runs; at most one waits.',
    }),
  })
  .meta({ description: 'One key, one run. Left out: jobs of this type are not unique.' });

const retry = z
  .union(
    [
      z.strictObject({ max: z.number().int().nonnegative(), intervals: z.array(duration).min(1) }),
      z.strictObject({
        max: z.number().int().nonnegative(),
        backoff: z.enum(['exponential', 'fixed']),
        delay: duration,
      }),
    ],
    {
      error: 'expected { max, intervals: ["10s"] } or { max, backoff: "exponential", delay: "1s" }',
    },
  )
  .meta({ description: 'Retries after a failure: { max, intervals } or { max, backoff, delay }.' });

export const jobTypeConfig = z.strictObject({
  handler: z.string().min(1).meta({
    description:
      'File with the handler as its default export: (job, ctx) => result. Relative to this file.',
  }),
  queue: z
    .string()
    .regex(/^[^:]+$/, 'expected a queue name without ":"')
    .default('default'),
  schema: z.string().min(1).optional().meta({
    description:
      'File with a JSON Schema: what does not fit is refused as a payload, and marked in the editor. Relative to this file.',
  }),
  unique: unique.optional(),
  maxConcurrent: positiveInt
    .optional()
    .meta({ description: 'Most jobs of this type queued or running, on all hosts together.' }),
  monitoring: z.boolean().default(false).meta({
    description:
      'Looks at something: a second one is of no use. Without "unique" the whole type is one key, and what waits beside a run is removed.',
  }),
  retry: retry.optional(),
  concurrency: positiveInt.default(4).meta({ description: 'Runs at one time in one agent.' }),
  processes: positiveInt.default(1).meta({
    description: 'Handler processes in one agent; with "isolation": "thread", threads.',
  }),
  maxRunsPerProcess: positiveInt.default(1000).meta({
    description:
      'A handler process or thread is replaced after about that many runs. A fast one lives a few seconds longer, so that starting processes does not become the main work.',
  }),
  isolation: z.enum(['process', 'thread', 'inline']).default('process').meta({
    description:
      'What the handler runs in: processes of its own, worker threads of the agent, or the agent itself. A thread is ended and replaced as a process is; a crash in native code ends the agent with it.',
  }),
  lease: z
    .strictObject({ ttl: timerDuration(MIN_LEASE_MS).default(5_000) })
    .default({ ttl: 5_000 })
    .meta({ description: 'The lock of a running job ends that long after its agent fell silent.' }),
});

export const queueConfig = z
  .strictObject({
    concurrency: positiveInt.optional().meta({
      description:
        'Runs of this queue at one time in one agent. Left out: as many as its job types have together.',
    }),
    rateLimit: z
      .strictObject({ max: positiveInt, per: timerDuration(1) })
      .optional()
      .meta({
        description:
          'Most jobs that begin within that time, on all hosts together. The time begins with the first of them.',
      }),
  })
  .meta({ description: 'Left out: a queue has no limits of its own.' });

export const scheduleConfig = z.strictObject({
  job: z.string().min(1),
  every: z
    .union([duration, z.strictObject({ min: duration, max: duration })], {
      error: DURATION_EXPECTED,
    })
    .optional()
    .meta({
      description:
        'An interval; slots are whole multiples of it since 1970. { min, max }: ten times as long as the last runs took, within these bounds.',
    }),
  cron: z
    .string()
    .optional()
    .meta({ description: 'Cron pattern, 5 fields, or 6 with seconds first.' }),
  timezone: timezone.optional(),
  missed: z.enum(['skip', 'run-once', 'catch-up']).optional().meta({
    description:
      'Slots that passed while no scheduler was there. "skip": dropped, when they are more than 5 s late. "run-once" (default): the newest one only. "catch-up": each, oldest first, at most "catchUpLimit".',
  }),
  catchUpLimit: positiveInt.max(1_000).optional().meta({
    description:
      'Most missed slots that "catch-up" enqueues; older ones are left out, and that is said. Default 100.',
  }),
  data: z.json().optional().meta({ description: 'Payload of the jobs.' }),
});

/** So many in any stretch of that length. */
const rate = z.strictObject({ count: positiveInt, per: timerDuration(1) });

export const streamLimits = z
  .strictObject({
    connects: z
      .array(rate)
      .optional()
      .meta({ description: 'Attempts to connect, per host of the venue.' }),
    messages: z.array(rate).optional().meta({ description: 'Frames sent over one connection.' }),
    connections: positiveInt
      .optional()
      .meta({ description: 'Connections at one time, per host of the venue.' }),
    symbolsPerFrame: positiveInt.optional(),
    symbolsPerConnection: positiveInt.optional().meta({
      description: 'Most symbols of one connection: a higher one of the stream is cut to it.',
    }),
    sharedBy: z.enum(['all', 'host']).optional().meta({
      description:
        'Whom "connects" and "connections" count together. "all" (default): every agent of this Redis. "host": those of one machine, where each has an address of its own.',
    }),
    maxLifetime: timerDuration(1_000).optional().meta({
      description: 'The venue closes a connection after that; it is replaced in time.',
    }),
  })
  .meta({ description: 'Rules of the venue. Left out: those of the adapter.' });

/** Metrics tell names of queues, types and streams: nobody outside this machine may read them. */
const loopbackHost = z
  .string()
  .regex(
    /^(localhost|::1|127(\.\d{1,3}){3})$/,
    'expected a loopback address such as "127.0.0.1" or "::1": an agent listens on no network interface',
  );

const WEBHOOK_EXPECTED =
  'expected a URL that begins with http:// or https://, or "${env:NAME}" alone';

const webhook = z
  .strictObject({
    url: z
      .string()
      .refine(
        (url) => /^\$\{env:[^}]*\}$/.test(url) || isUrlOf(url, /^https?:\/\//),
        WEBHOOK_EXPECTED,
      )
      .meta({
        description: 'Gets a POST with JSON. "${env:NAME}" stands for a variable, also alone.',
      }),
    headers: z
      .record(z.string().regex(/^[\w-]+$/, 'expected the name of a header'), z.string())
      .default({})
      .meta({ description: 'Sent along; "${env:NAME}" keeps a secret out of the file.' }),
    timeout: timerDuration(100).default(5_000),
    maxRetries: z.number().int().min(0).max(20).default(5),
  })
  .meta({ description: 'Told of each run and lock that passes a threshold of age.' });

export const streamConfig = z.strictObject({
  url: z
    .string()
    .refine((url) => isUrlOf(url, /^wss?:\/\//), 'expected a URL that begins with ws:// or wss://'),
  symbols: z.array(z.string().min(1)).min(1),
  adapter: z.string().min(1).optional().meta({
    description: '"binance-spot", "kite", or a file. Left out: ticks as JSON.',
  }),
  job: z.string().min(1).meta({ description: 'Job type that gets the batches of ticks.' }),
  batch: z
    .strictObject({ maxTicks: positiveInt.default(500), maxWait: timerDuration(0).default(200) })
    .default({ maxTicks: 500, maxWait: 200 }),
  buffer: z
    .strictObject({
      ticks: positiveInt.default(100_000),
      diskBytes: z
        .number()
        .int()
        .nonnegative()
        .default(256 * 1024 * 1024),
    })
    .prefault({})
    .meta({
      description:
        'What waits while Redis is away, per stream and agent: ticks in memory, then bytes on disk; then the oldest are dropped, with a count.',
    }),
  symbolsPerConnection: positiveInt.default(50),
  maxSymbols: positiveInt.default(250).meta({
    description: 'Symbols beyond it are not subscribed, and that is said.',
  }),
  connectionDelay: timerDuration(0).default(3_000).meta({
    description: 'Between the first starts of two connections of this stream.',
  }),
  monitorInterval: timerDuration(100).default(30_000).meta({
    description: 'How often the figures of its connections are logged.',
  }),
  liteMode: z.boolean().default(false).meta({
    description: 'Only the last tick of each symbol in a batch is kept.',
  }),
  limits: streamLimits.optional(),
  tls: tlsFiles.refine(isPair, { error: PAIR_EXPECTED }).optional().meta({
    description:
      'For a server whose certificate nobody known signed, or that wants one of this client.',
  }),
  hours: z
    .strictObject({
      timezone,
      open: timeOfDay,
      close: timeOfDay,
      days: z.array(weekday).min(1),
      holidays: z.array(isoDate).default([]),
    })
    .optional()
    .meta({ description: 'It sleeps outside of them. "close" before "open": over midnight.' }),
  heartbeat: timerDuration(100).default(30_000),
  staleAfter: timerDuration(200).default(120_000).meta({
    description: 'An entry of the registry without a heartbeat for that long is not running.',
  }),
  expireAfter: timerDuration(1_000).default(3_600_000),
  maxRetries: z.number().int().nonnegative().default(0).meta({ description: '0 = for ever.' }),
});

export const configSchema = z
  .strictObject({
    $schema: z.string().optional(),
    redis: redisConfig
      .default({ prefix: 'bull' })
      .meta({ description: 'Left out: a private server in the state folder.' }),
    jobs: z
      .record(z.string().regex(/^[^:]+$/, 'expected a name without ":"'), jobTypeConfig)
      .default({}),
    queues: z
      .record(z.string().regex(/^[^:]+$/, 'expected a queue name without ":"'), queueConfig)
      .default({}),
    schedules: z.record(z.string().min(1), scheduleConfig).default({}),
    streams: z
      .record(z.string().regex(/^[^/]+$/, 'expected a name without "/"'), streamConfig)
      .default({}),
    scheduler: z
      .strictObject({
        cycle: timerDuration(100).default(60_000),
        lockTtl: timerDuration(MIN_LEASE_MS).default(90_000),
      })
      .default({ cycle: 60_000, lockTtl: 90_000 }),
    health: z.strictObject({ every: timerDuration(1_000).default(300_000) }).prefault({}),
    locks: z
      .strictObject({
        warnAfter: duration.default(30 * MINUTE_MS),
        emergencyAfter: duration.default(55 * MINUTE_MS),
        maxAge: duration.default(60 * MINUTE_MS),
        watch: z.array(z.string().min(1)).default([]),
      })
      .prefault({})
      .meta({
        description:
          'From which age on a held lock is told about; age never frees one. "watch": patterns of other keys that are locks, such as "redlock:*".',
      }),
    alerts: z
      .strictObject({
        jobWarnAfter: duration.default(10 * MINUTE_MS),
        jobCriticalAfter: duration.default(30 * MINUTE_MS),
        jobEmergencyAfter: duration.default(50 * MINUTE_MS),
        webhook: webhook.optional(),
      })
      .prefault({})
      .meta({ description: 'From which age on a run is told about.' }),
    deduplication: z
      .strictObject({
        enabled: z.boolean().default(true),
        aggressive: z.boolean().default(true),
        stackingPrevention: z.boolean().default(true),
      })
      .prefault({})
      .meta({
        description:
          '"enabled": rules in "unique" hold. "aggressive": "monitoring" has an effect. "stackingPrevention": "maxConcurrent" holds, and a last check stands before each run.',
      }),
    shutdown: z
      .strictObject({ finishRuns: timerDuration(0).default(USUAL_FINISH_RUNS_MS) })
      .prefault({})
      .meta({
        description:
          'How long runs may take to finish when an agent leaves. What runs longer goes back into its queue, with its attempts. With more than "2.5s", give the service manager that much more time.',
      }),
    history: z
      .strictObject({
        keep: z.number().int().nonnegative().default(10_000),
        maxAge: duration.default(7 * 24 * 60 * MINUTE_MS),
      })
      .prefault({})
      .meta({ description: 'How many ended runs are kept in Redis, and for how long.' }),
    metrics: z
      .strictObject({
        host: loopbackHost.default('127.0.0.1'),
        port: z.number().int().min(0).max(65_535).default(DEFAULT_METRICS_PORT),
      })
      .optional()
      .meta({
        description:
          'Figures for Prometheus at http://127.0.0.1:9464/metrics. Left out: off. INTERLOCK_METRICS_PORT sets the port, which each agent of a machine needs for itself; 0 is any free one, "off" is none.',
      }),
    telemetry: z.string().min(1).optional().meta({
      description:
        "File with BullMQ's Telemetry as its default export, such as one for OpenTelemetry: traces from enqueue to run to what the run enqueues. Relative to this file.",
    }),
  })
  .meta({ title: 'Interlock', description: 'Jobs, schedules and streams of this workspace.' });

export type Config = z.infer<typeof configSchema>;
export type JobTypeConfig = z.infer<typeof jobTypeConfig>;
export type QueueConfig = z.infer<typeof queueConfig>;
export type ScheduleConfig = z.infer<typeof scheduleConfig>;
export type StreamConfig = z.infer<typeof streamConfig>;
export type StreamLimits = z.infer<typeof streamLimits>;
export type WebhookConfig = z.infer<typeof webhook>;
export type RetryConfig = z.infer<typeof retry>;
