/** How a figure behaves: a counter only grows, a gauge goes both ways. */
export type MetricKind = 'counter' | 'gauge' | 'histogram';

export interface MetricDefinition {
  kind: MetricKind;
  /** One sentence, as Prometheus shows it. */
  help: string;
  labels: readonly string[];
}

/** Upper ends of the classes of a run's duration, in seconds. */
export const RUN_SECONDS = [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300, 1_800, 3_600] as const;

const counter = (help: string, ...labels: string[]): MetricDefinition => ({
  ...{ kind: 'counter', help, labels },
});
const gauge = (help: string, ...labels: string[]): MetricDefinition => ({
  ...{ kind: 'gauge', help, labels },
});

/**
 * Every figure, by its name. No label ever has a uniqueness key, a job id or a payload in it: their
 * number has no bound. docs/production.md says of each what it means.
 */
export const METRICS = {
  interlock_agent_info: gauge(
    'Always 1: who this agent is.',
    ...['agent_id', 'host', 'role', 'version'],
  ),
  interlock_redis_up: gauge('1 while this agent is connected to Redis.'),
  interlock_state_read_seconds: gauge('How long reading the figures out of Redis took last.'),
  interlock_state_read_failures_total: counter('Readings that failed or took too long.'),
  interlock_agents: gauge(
    'Agents in the registry of this Redis, by role and state.',
    ...['role', 'state'],
  ),

  interlock_queue_jobs: gauge('Jobs of a queue in a state.', 'queue', 'state'),
  interlock_queue_paused: gauge('1 while a queue is paused.', 'queue'),

  interlock_decisions_total: counter(
    'Answers of this agent to what was asked, by what was asked, how it ended and why.',
    ...['action', 'job_type', 'outcome', 'reason'],
  ),
  interlock_runs_in_progress: gauge('Runs that this agent has under way.'),
  interlock_runs_total: counter('Runs that ended, by how they ended.', 'job_type', 'status'),
  interlock_run_duration_seconds: {
    kind: 'histogram',
    help: 'How long runs took that completed or failed.',
    labels: ['job_type'],
  },

  interlock_takeovers_total: counter(
    'What this agent took over from a holder that is gone: jobs, stream shards, the scheduler.',
    ...['kind', 'reason'],
  ),
  interlock_orphans_removed_total: counter('Leftovers of nobody that this agent removed.'),

  interlock_locks: gauge('Locks in Redis, by kind and state.', 'kind', 'state'),
  interlock_lock_age_max_seconds: gauge('Age of the oldest lock of a kind.', 'kind'),
  interlock_age_alerts: gauge('Runs and locks over a threshold of age now.', 'kind', 'level'),
  interlock_age_alerts_total: counter('Thresholds of age that were passed.', 'kind', 'level'),

  interlock_scheduler_leader: gauge('1 while this agent holds the lock of the scheduler.'),
  interlock_schedule_last_slot_timestamp_seconds: gauge(
    'When the last slot was due that was enqueued.',
    'schedule',
  ),
  interlock_schedule_next_slot_timestamp_seconds: gauge('When the next slot is due.', 'schedule'),

  interlock_stream_connections: gauge(
    'Connections of a stream, wherever they live, by state.',
    ...['stream', 'state'],
  ),
  interlock_stream_messages_total: counter('Frames that came.', 'stream', 'shard'),
  interlock_stream_ticks_total: counter('Ticks that came.', 'stream', 'shard'),
  interlock_stream_errors_total: counter(
    'Frames that are not understood, and connections that ended.',
    ...['stream', 'shard'],
  ),
  interlock_stream_reconnects_total: counter(
    'How often the connection ended or could not be made.',
    ...['stream', 'shard'],
  ),
  interlock_stream_gap_ticks_total: counter(
    'Ticks that are missing, by their sequence numbers.',
    ...['stream', 'shard'],
  ),
  interlock_stream_dropped_ticks_total: counter(
    'Ticks given up, as they could not be enqueued in time.',
    ...['stream', 'shard'],
  ),
  interlock_stream_buffered_ticks: gauge('Ticks that wait for Redis.', 'stream', 'shard'),
  interlock_stream_lag_seconds: gauge(
    'From the time in a tick to its arrival, over the last minute.',
    ...['stream', 'shard', 'quantile'],
  ),

  interlock_webhook_deliveries_total: counter('Alerts sent to the webhook.', 'result'),

  process_cpu_seconds_total: counter('Processor time of the agent, in user and system mode.'),
  process_resident_memory_bytes: gauge('Memory of the agent, without handler processes.'),
  process_start_time_seconds: gauge('When the agent started.'),
} as const satisfies Record<string, MetricDefinition>;

export type MetricName = keyof typeof METRICS;

/** The catalogue with the names of labels as plain texts. */
export const METRIC_DEFINITIONS: Record<MetricName, MetricDefinition> = METRICS;
