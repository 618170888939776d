import type {
  AgeAlert,
  ConnectionRow,
  LockRow,
  QueueRow,
  ScheduleRow,
  StreamRow,
} from '../protocol/model.ts';
import type { AgentEntry } from '../state/agentRegistry.ts';
import { MetricSet } from './metricSet.ts';

/** What stands in Redis and in this agent at one moment. */
export interface StateReading {
  /** Who reads. */
  agentId: string;
  queues: readonly QueueRow[];
  locks: readonly LockRow[];
  schedules: readonly ScheduleRow[];
  streams: readonly StreamRow[];
  agents: readonly AgentEntry[];
}

/** What a reading comes to. Of streams' traffic only this agent's: so sums over agents are right. */
export function stateFigures(reading: StateReading): MetricSet {
  const set = new MetricSet();
  for (const queue of reading.queues) addQueue(set, queue);
  addLocks(set, reading);
  for (const schedule of reading.schedules) addSchedule(set, schedule);
  for (const stream of reading.streams) addStream(set, stream, reading.agentId);
  for (const { holder } of reading.agents) {
    if (holder !== null) set.add('interlock_agents', [holder.role, lifeText(holder.alive)]);
  }
  return set;
}

/** Runs and locks that are over a threshold. Both kinds and all levels, so that an end is seen as 0. */
export function addAlerts(set: MetricSet, alerts: readonly AgeAlert[]): void {
  for (const kind of ['job', 'lock'] as const) {
    for (const level of ['warning', 'critical', 'emergency'] as const) {
      if (kind === 'lock' && level === 'critical') continue;
      const count = alerts.filter((one) => one.kind === kind && one.level === level).length;
      set.set('interlock_age_alerts', [kind, level], count);
    }
  }
}

function addQueue(set: MetricSet, { name, paused, counts }: QueueRow): void {
  for (const [state, count] of Object.entries(counts)) {
    set.add('interlock_queue_jobs', [name, state], count);
  }
  set.set('interlock_queue_paused', [name], paused ? 1 : 0);
}

function addLocks(set: MetricSet, { locks, agentId }: StateReading): void {
  const oldestMs = new Map<string, number>();
  for (const { kind, state, ageMs } of locks) {
    set.add('interlock_locks', [kind, state]);
    if (ageMs !== null) oldestMs.set(kind, Math.max(oldestMs.get(kind) ?? 0, ageMs));
  }
  for (const [kind, ageMs] of oldestMs) {
    set.set('interlock_lock_age_max_seconds', [kind], ageMs / 1_000);
  }
  const leads = locks.some(({ kind, holder }) => kind === 'scheduler' && isHeldBy(holder, agentId));
  set.set('interlock_scheduler_leader', [], leads ? 1 : 0);
}

function addSchedule(set: MetricSet, { name, lastSlotAt, nextSlotAt }: ScheduleRow): void {
  if (lastSlotAt !== null) {
    const seconds = Date.parse(lastSlotAt) / 1_000;
    set.set('interlock_schedule_last_slot_timestamp_seconds', [name], seconds);
  }
  if (nextSlotAt !== null) {
    const seconds = Date.parse(nextSlotAt) / 1_000;
    set.set('interlock_schedule_next_slot_timestamp_seconds', [name], seconds);
  }
}

function addStream(set: MetricSet, { name, connections }: StreamRow, agentId: string): void {
  for (const row of connections) {
    set.add('interlock_stream_connections', [name, row.state]);
    if (isHeldBy(row.holder, agentId)) addTraffic(set, [name, String(row.shard)], row);
  }
}

function addTraffic(set: MetricSet, labels: readonly [string, string], row: ConnectionRow): void {
  set.add('interlock_stream_messages_total', labels, row.messages);
  set.add('interlock_stream_ticks_total', labels, row.ticks);
  set.add('interlock_stream_errors_total', labels, row.errors);
  set.add('interlock_stream_reconnects_total', labels, row.breaks ?? 0);
  set.add('interlock_stream_gap_ticks_total', labels, row.gaps);
  set.add('interlock_stream_dropped_ticks_total', labels, row.dropped);
  set.add('interlock_stream_buffered_ticks', labels, row.buffered);
  if (row.lag === null) return;
  set.set('interlock_stream_lag_seconds', [...labels, '0.5'], row.lag.p50 / 1_000);
  set.set('interlock_stream_lag_seconds', [...labels, '0.99'], row.lag.p99 / 1_000);
}

function isHeldBy(holder: { agentId: string } | null, agentId: string): boolean {
  return holder?.agentId === agentId;
}

function lifeText(alive: boolean | null): string {
  if (alive === null) return 'unknown';
  return alive ? 'alive' : 'dead';
}
