import type { DebugRow } from '../../agent/protocol/debug.ts';
import type { Decision } from '../../agent/protocol/decision.ts';
import type {
  AgentStatus,
  JobRow,
  LeaderRow,
  LockRow,
  QueueRow,
  ScheduleRow,
  StateDelta,
  StateSnapshot,
  StreamRow,
} from '../../agent/protocol/model.ts';
import { Table, type RowChange } from './table.ts';

export interface RowTypes {
  agent: AgentStatus;
  queues: QueueRow;
  jobs: JobRow;
  schedules: ScheduleRow;
  streams: StreamRow;
  locks: LockRow;
  decisions: Decision;
  leaders: LeaderRow;
  debugs: DebugRow;
}

export type Collection = keyof RowTypes;

/** What is different, by collection and key. */
export type StoreChanges = { [C in Collection]: Map<string, RowChange<RowTypes[C]>> };

export type DeltaOutcome =
  | { kind: 'applied'; changes: StoreChanges }
  /** Already known, or kept until the snapshot that was asked for is here. */
  | { kind: 'ignored' }
  /** At least one delta is missing: only a new snapshot helps. */
  | { kind: 'gap' };

/**
 * This window's copy of the agent's state: a snapshot and the numbered deltas after it. It tells
 * what changed, row by row, so that views touch nothing else.
 */
export class Store {
  private readonly tables: { [C in Collection]: Table<RowTypes[C]> } = {
    agent: new Table(),
    queues: new Table(),
    jobs: new Table(),
    schedules: new Table(),
    streams: new Table(),
    locks: new Table(),
    decisions: new Table(),
    leaders: new Table(),
    debugs: new Table(),
  };
  private seq: number | undefined;
  /** Deltas that came while a snapshot is on its way; undefined when none is. */
  private early: StateDelta[] | undefined;

  get hasSnapshot(): boolean {
    return this.seq !== undefined;
  }

  get agent(): AgentStatus | undefined {
    return this.tables.agent.rows.get('agent');
  }

  rows<C extends Collection>(collection: C): ReadonlyMap<string, RowTypes[C]> {
    return this.tables[collection].rows;
  }

  /** From here until `replace`, deltas are kept and not applied. */
  expectSnapshot(): void {
    this.early = [];
  }

  /** Applies a snapshot and the deltas that came before it was here. */
  replace(snapshot: StateSnapshot): { changes: StoreChanges; gap: boolean } {
    const changes: StoreChanges = {
      agent: this.tables.agent.replace(snapshot.agent),
      queues: this.tables.queues.replace(snapshot.queues),
      jobs: this.tables.jobs.replace(snapshot.jobs),
      schedules: this.tables.schedules.replace(snapshot.schedules),
      streams: this.tables.streams.replace(snapshot.streams),
      locks: this.tables.locks.replace(snapshot.locks),
      decisions: this.tables.decisions.replace(snapshot.decisions),
      leaders: this.tables.leaders.replace(snapshot.leaders),
      debugs: this.tables.debugs.replace(snapshot.debugs),
    };
    this.seq = snapshot.seq;
    const early = this.early ?? [];
    this.early = undefined;
    for (const delta of early) {
      const outcome = this.apply(delta);
      if (outcome.kind === 'gap') return { changes, gap: true };
      if (outcome.kind === 'applied') mergeChanges(changes, outcome.changes);
    }
    return { changes, gap: false };
  }

  apply(delta: StateDelta): DeltaOutcome {
    if (this.early !== undefined) {
      this.early.push(delta);
      return { kind: 'ignored' };
    }
    if (this.seq === undefined) return { kind: 'gap' };
    if (delta.seq <= this.seq) return { kind: 'ignored' };
    if (delta.seq !== this.seq + 1) return { kind: 'gap' };
    this.seq = delta.seq;
    const changes = noChanges();
    for (const change of delta.changes) {
      this.setRow(changes, change.collection, change.key, change.row);
    }
    return { kind: 'applied', changes };
  }

  /** Forgets everything: the agent is gone for good. */
  clear(): StoreChanges {
    const { changes } = this.replace({ seq: 0, ...noRows() });
    this.seq = undefined;
    return changes;
  }

  snapshot(): StateSnapshot | undefined {
    if (this.seq === undefined) return undefined;
    const { agent, queues, jobs, schedules, streams, locks, decisions, leaders, debugs } =
      this.tables;
    return {
      seq: this.seq,
      agent: Object.fromEntries(agent.rows),
      queues: Object.fromEntries(queues.rows),
      jobs: Object.fromEntries(jobs.rows),
      schedules: Object.fromEntries(schedules.rows),
      streams: Object.fromEntries(streams.rows),
      locks: Object.fromEntries(locks.rows),
      decisions: Object.fromEntries(decisions.rows),
      leaders: Object.fromEntries(leaders.rows),
      debugs: Object.fromEntries(debugs.rows),
    };
  }

  private setRow<C extends Collection>(
    changes: StoreChanges,
    collection: C,
    key: string,
    row: RowTypes[C] | null,
  ): void {
    const table: Table<RowTypes[C]> = this.tables[collection];
    const change = table.set(key, row);
    if (change !== undefined) noteChange(changes[collection], key, change);
  }
}

export function noChanges(): StoreChanges {
  return {
    agent: new Map(),
    queues: new Map(),
    jobs: new Map(),
    schedules: new Map(),
    streams: new Map(),
    locks: new Map(),
    decisions: new Map(),
    leaders: new Map(),
    debugs: new Map(),
  };
}

function noRows(): Omit<StateSnapshot, 'seq'> {
  return {
    ...{ agent: {}, queues: {}, jobs: {}, schedules: {}, streams: {}, locks: {}, decisions: {} },
    leaders: {},
    debugs: {},
  };
}

/** Adds `more` to `into`: the row before stays the first one, the row after is the last one. */
function mergeChanges(into: StoreChanges, more: StoreChanges): void {
  mergeMaps(into.agent, more.agent);
  mergeMaps(into.queues, more.queues);
  mergeMaps(into.jobs, more.jobs);
  mergeMaps(into.schedules, more.schedules);
  mergeMaps(into.streams, more.streams);
  mergeMaps(into.locks, more.locks);
  mergeMaps(into.decisions, more.decisions);
  mergeMaps(into.leaders, more.leaders);
  mergeMaps(into.debugs, more.debugs);
}

function mergeMaps<Row>(
  into: Map<string, RowChange<Row>>,
  more: ReadonlyMap<string, RowChange<Row>>,
): void {
  for (const [key, change] of more) noteChange(into, key, change);
}

function noteChange<Row>(
  changes: Map<string, RowChange<Row>>,
  key: string,
  change: RowChange<Row>,
): void {
  const earlier = changes.get(key);
  const before = earlier === undefined ? change.before : earlier.before;
  changes.set(key, { before, after: change.after });
}
