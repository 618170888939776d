import type { Decision } from '../../../agent/protocol/decision.ts';
import type {
  AgentStatus,
  ConnectionRow,
  JobRow,
  LockRow,
  QueueRow,
  ScheduleRow,
  StateSnapshot,
  StreamRow,
} from '../../../agent/protocol/model.ts';
import type { Translate } from '../../../src/present/translate.ts';

/** Rows for tests: whole ones, of which a test names what it is about. */

export const NOW = '2026-01-31T09:15:00.000Z';
export const NOW_MS = Date.parse(NOW);

export const plain: Translate = (message, ...args) =>
  message.replace(/\{(\d+)\}/g, (_all, index: string) => String(args[Number(index)]));

export function at(secondsFromNow: number): string {
  return new Date(NOW_MS + secondsFromNow * 1_000).toISOString();
}

export const holder = {
  host: 'devbox',
  hostId: 'h1',
  pid: 4711,
  role: 'all',
  agentId: 'a1',
  processStart: null,
  alive: true,
};

export function jobRow(fields: Partial<JobRow> = {}): JobRow {
  return {
    id: '7',
    queue: 'default',
    type: 'chain_state_monitor',
    state: 'active',
    key: 'mainnet',
    dataPreview: '{}',
    attemptsMade: 1,
    maxAttempts: 4,
    progress: null,
    createdAt: at(-100),
    startedAt: null,
    finishedAt: null,
    dueAt: null,
    failedReason: null,
    ...fields,
  };
}

export function queueRow(name: string, counts: Partial<QueueRow['counts']> = {}): QueueRow {
  const none = { waiting: 0, active: 0, delayed: 0, prioritized: 0, completed: 0, failed: 0 };
  return {
    name,
    paused: false,
    counts: { ...none, 'waiting-children': 0, ...counts },
    jobTypes: [],
  };
}

export function connectionRow(fields: Partial<ConnectionRow> = {}): ConnectionRow {
  return {
    shard: 0,
    state: 'live',
    messages: 0,
    ticks: 0,
    errors: 0,
    symbols: ['NSE:TCS25JULFUT'],
    lastMessageAt: null,
    reconnectAttempts: 0,
    gaps: 0,
    dropped: 0,
    buffered: 0,
    lag: null,
    since: at(-60),
    holder,
    fence: 3,
    startedAt: at(-60),
    asOf: null,
    symbolCount: 2,
    trouble: null,
    ...fields,
  };
}

export function streamRow(fields: Partial<StreamRow> = {}): StreamRow {
  return {
    name: 'nse',
    url: 'ws://127.0.0.1:9010/ticks',
    wanted: 'running',
    state: 'running',
    holder,
    fence: 3,
    startedAt: at(-60),
    connected: 1,
    totalMessages: 0,
    totalTicks: 12_345,
    totalErrors: 0,
    totalGaps: 0,
    totalDropped: 0,
    batches: 0,
    symbolCount: 2,
    cutSymbols: 0,
    aliases: 0,
    until: null,
    health: null,
    connections: [connectionRow()],
    ...fields,
  };
}

export function scheduleRow(fields: Partial<ScheduleRow> = {}): ScheduleRow {
  return {
    name: 'chain',
    job: 'chain_state_monitor',
    rule: 'every 90s',
    timezone: null,
    missed: 'run-once',
    nextSlotAt: at(12),
    nextSlots: [at(12), at(102), at(192)],
    lastSlotAt: at(-78),
    lastOutcome: 'accepted',
    lastBy: 'devbox:4711',
    lastSlots: [],
    missedSlots: 0,
    pausedAt: null,
    skipSlotAt: null,
    interval: null,
    ...fields,
  };
}

export function lockRow(fields: Partial<LockRow> = {}): LockRow {
  return {
    name: 'scheduler:global_lock',
    kind: 'scheduler',
    subject: 'scheduler',
    job: null,
    holder,
    fence: 12,
    acquiredAt: at(-200),
    renewedAt: at(-20),
    ttlMs: 70_000,
    ageMs: 200_000,
    state: 'held',
    ...fields,
  };
}

export function decision(fields: Partial<Decision> = {}): Decision {
  return {
    id: 'd1',
    at: NOW,
    action: 'enqueue',
    subject: 'chain_state_monitor',
    key: 'mainnet',
    outcome: 'accepted',
    reason: 'within_limits',
    jobId: '7',
    survivor: null,
    holder: null,
    until: null,
    remedy: null,
    counts: null,
    ...fields,
  };
}

export function snapshot(seq: number, rows: Partial<StateSnapshot> = {}): StateSnapshot {
  return {
    seq,
    debugs: {},
    agent: {},
    queues: {},
    jobs: {},
    schedules: {},
    streams: {},
    locks: {},
    decisions: {},
    leaders: {},
    ...rows,
  };
}

/** An agent with the default thresholds. */
export function agentRow(fields: Partial<AgentStatus> = {}): AgentStatus {
  return {
    agentId: 'a1',
    pid: 4711,
    host: 'devbox',
    role: 'all',
    version: '0.1.0',
    protocol: 1,
    workspace: '/w',
    stateFolder: '/s',
    startedAt: at(-600),
    now: NOW,
    draining: false,
    clients: 1,
    runsInProgress: 0,
    configPath: '/w/interlock.config.json',
    configTrouble: null,
    jobTypes: [
      { name: 'chain_state_monitor', queue: 'default', file: 'jobs/chain.ts', maxConcurrent: 1 },
    ],
    thresholds: {
      jobWarnMs: 600_000,
      jobCriticalMs: 1_800_000,
      jobEmergencyMs: 3_000_000,
      lockWarnMs: 1_800_000,
      lockEmergencyMs: 3_300_000,
    },
    alerts: [],
    totals: { locks: 0, decisions: 0 },
    redis: {
      kind: 'private',
      address: '/s/redis.sock',
      version: '7.2.0',
      state: 'connected',
      trouble: null,
    },
    ...fields,
  };
}

/** Rows by their name or id, as the state has them. */
export function byKey<Row>(rows: readonly Row[], keyOf: (row: Row) => string): Record<string, Row> {
  return Object.fromEntries(rows.map((row) => [keyOf(row), row]));
}
