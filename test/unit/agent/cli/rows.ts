import type { Decision, Holder } from '../../../../agent/protocol/decision.ts';
import type {
  AgentStatus,
  AgeThresholds,
  ConnectionRow,
  JobRow,
  LockRow,
  QueueRow,
  ScheduleRow,
  StateSnapshot,
  StreamRow,
} from '../../../../agent/protocol/model.ts';

/** Rows as an agent tells them; each test says what matters to it. */

export const NOW_MS = Date.parse('2026-01-31T09:15:00.000Z');

export function isoBefore(ms: number): string {
  return new Date(NOW_MS - ms).toISOString();
}

export const holder = (facts: Partial<Holder> = {}): Holder => ({
  ...{ host: 'devbox', hostId: 'h1', pid: 4711, role: 'all', agentId: 'a1' },
  ...{ processStart: '1', alive: true, ...facts },
});

export const decision = (facts: Partial<Decision> = {}): Decision => ({
  ...{ id: '1-0', at: isoBefore(1_000), action: 'enqueue', subject: 'sync', key: null },
  ...{ outcome: 'accepted', reason: 'within_limits', jobId: 'j1', survivor: null },
  ...{ holder: null, until: null, remedy: null, counts: null, ...facts },
});

export const jobRow = (facts: Partial<JobRow> = {}): JobRow => ({
  ...{ id: 'j1', queue: 'default', type: 'sync', state: 'waiting', key: null, dataPreview: '{}' },
  ...{ attemptsMade: 0, maxAttempts: 1, progress: null, createdAt: isoBefore(5_000) },
  ...{ startedAt: null, finishedAt: null, dueAt: null, failedReason: null, ...facts },
});

export const queueRow = (counts: Partial<QueueRow['counts']> = {}, paused = false): QueueRow => ({
  name: 'default',
  paused,
  counts: {
    ...{ waiting: 0, active: 0, delayed: 0, prioritized: 0, completed: 0, failed: 0 },
    ...{ 'waiting-children': 0, ...counts },
  },
  jobTypes: ['sync'],
});

export const lockRow = (facts: Partial<LockRow> = {}): LockRow => ({
  ...{
    name: 'scheduler:global_lock',
    kind: 'scheduler',
    subject: 'schedules',
    fence: 3,
    job: null,
  },
  ...{ holder: holder(), acquiredAt: isoBefore(12_000), renewedAt: isoBefore(1_000) },
  ...{ ttlMs: 80_000, ageMs: 12_000, state: 'held', ...facts },
});

export const connectionRow = (facts: Partial<ConnectionRow> = {}): ConnectionRow => ({
  ...{ shard: 0, state: 'live', messages: 1_234, ticks: 5_678, errors: 1, symbols: ['a', 'b'] },
  ...{ lastMessageAt: isoBefore(300), reconnectAttempts: 2, gaps: 4, trouble: null },
  ...{ symbolCount: 2, dropped: 0, buffered: 0, lag: null, since: isoBefore(60_000) },
  ...{ holder: holder(), fence: 1, startedAt: isoBefore(60_000), asOf: null, ...facts },
});

export const streamRow = (facts: Partial<StreamRow> = {}): StreamRow => ({
  ...{ name: 'nse', url: 'ws://127.0.0.1:9000/ticks', wanted: 'running', state: 'running' },
  ...{ holder: holder(), fence: 1, startedAt: isoBefore(60_000), connected: 1 },
  ...{ totalMessages: 1_234, totalTicks: 5_678, totalErrors: 1, batches: 20 },
  ...{ totalGaps: 4, totalDropped: 0, symbolCount: 2, cutSymbols: 0, aliases: 0 },
  ...{ until: null, health: null },
  ...{ connections: [connectionRow()], ...facts },
});

export const scheduleRow = (facts: Partial<ScheduleRow> = {}): ScheduleRow => ({
  ...{ name: 'nightly', job: 'sync', rule: 'every 1 min', timezone: null, missed: 'run-once' },
  ...{ nextSlotAt: isoBefore(-30_000), nextSlots: [isoBefore(-30_000), isoBefore(-90_000)] },
  ...{ lastSlotAt: null, lastOutcome: null, lastBy: null, lastSlots: [], missedSlots: 0 },
  ...{ pausedAt: null, skipSlotAt: null, interval: null, ...facts },
});

export const thresholds: AgeThresholds = {
  ...{ jobWarnMs: 600_000, jobCriticalMs: 1_800_000, jobEmergencyMs: 3_000_000 },
  ...{ lockWarnMs: 1_800_000, lockEmergencyMs: 3_300_000 },
};

export const agentStatus = (facts: Partial<AgentStatus> = {}): AgentStatus => ({
  ...{ agentId: 'a1', pid: 4711, host: 'devbox', role: 'all', version: '0.1.0', protocol: 1 },
  ...{ workspace: '/w', stateFolder: '/s', startedAt: isoBefore(60_000) },
  ...{ now: isoBefore(0), draining: false, clients: 1, runsInProgress: 0 },
  ...{ configPath: '/w/interlock.config.json', configTrouble: null, jobTypes: [] },
  ...{ thresholds, alerts: [], totals: { locks: 0, decisions: 0 } },
  redis: {
    ...{ kind: 'private', address: '/s/redis.sock', version: '7.0.15' },
    ...{ state: 'connected', trouble: null },
  },
  ...facts,
});

export const snapshot = (facts: Partial<StateSnapshot> = {}): StateSnapshot => ({
  ...{ seq: 1, agent: { agent: agentStatus() }, queues: { default: queueRow() }, jobs: {} },
  ...{ schedules: {}, streams: {}, locks: {}, decisions: {}, leaders: {}, debugs: {}, ...facts },
});
