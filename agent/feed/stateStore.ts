import type { Clock, Timer } from '../common/clock.ts';
import type { DebugRow } from '../protocol/debug.ts';
import type { Decision } from '../protocol/decision.ts';
import type {
  AgentStatus,
  CollectionName,
  JobRow,
  LeaderRow,
  LockRow,
  QueueRow,
  ScheduleRow,
  StateChange,
  StateDelta,
  StateSnapshot,
  StreamRow,
} from '../protocol/model.ts';

/** Changes are sent together: often enough to feel live, seldom enough to stay cheap. */
const FLUSH_INTERVAL_MS = 100;

interface RowTypes {
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

type Rows = { [N in CollectionName]: Map<string, RowTypes[N]> };

/** What clients see: rows by collection and key. Only real changes go out, numbered, in order. */
export class StateStore {
  private readonly rows: Rows = {
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
  private readonly pending = new Map<string, StateChange>();
  private readonly listeners = new Set<(delta: StateDelta) => void>();
  private seq = 0;
  private timer: Timer | undefined;

  constructor(private readonly clock: Clock) {}

  /** Sets one row. Rows that did not change are not sent. */
  set<N extends CollectionName>(collection: N, key: string, row: RowTypes[N]): void {
    const rows: Map<string, RowTypes[N]> = this.rows[collection];
    const before = rows.get(key);
    rows.set(key, row);
    if (before !== undefined && comparable(before) === comparable(row)) return;
    this.changed(toChange(collection, key, row));
  }

  /** Replaces the rows of a collection whose keys begin with `keyPrefix`. */
  replace<N extends CollectionName>(
    collection: N,
    rows: ReadonlyMap<string, RowTypes[N]>,
    keyPrefix = '',
  ): void {
    for (const key of [...this.rows[collection].keys()]) {
      if (!key.startsWith(keyPrefix) || rows.has(key)) continue;
      this.rows[collection].delete(key);
      this.changed(toChange(collection, key, null));
    }
    for (const [key, row] of rows) this.set(collection, key, row);
  }

  /** The rows of a collection as they are now. */
  list<N extends CollectionName>(collection: N): RowTypes[N][] {
    return [...this.rows[collection].values()];
  }

  /** Everything as it is now; deltas with higher numbers follow. */
  snapshot(): StateSnapshot {
    this.flush();
    const { agent, queues, jobs, schedules, streams, locks, decisions, leaders, debugs } =
      this.rows;
    return {
      seq: this.seq,
      agent: Object.fromEntries(agent),
      queues: Object.fromEntries(queues),
      jobs: Object.fromEntries(jobs),
      schedules: Object.fromEntries(schedules),
      streams: Object.fromEntries(streams),
      locks: Object.fromEntries(locks),
      decisions: Object.fromEntries(decisions),
      leaders: Object.fromEntries(leaders),
      debugs: Object.fromEntries(debugs),
    };
  }

  /** @returns a function that ends the subscription */
  subscribe(listener: (delta: StateDelta) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  get hasListeners(): boolean {
    return this.listeners.size > 0;
  }

  close(): void {
    this.timer?.cancel();
    this.listeners.clear();
  }

  private changed(change: StateChange): void {
    const id = `${change.collection} ${change.key}`;
    // Deleted first, so that the order of the latest changes is kept.
    this.pending.delete(id);
    this.pending.set(id, change);
    this.timer ??= this.clock.setTimeout(() => this.flush(), FLUSH_INTERVAL_MS);
  }

  private flush(): void {
    this.timer?.cancel();
    this.timer = undefined;
    if (this.pending.size === 0) return;
    this.seq += 1;
    const delta = { seq: this.seq, changes: [...this.pending.values()] };
    this.pending.clear();
    for (const listener of this.listeners) listener(delta);
  }
}

/** Ages and what is left of a TTL tick by themselves on the client's side: they are no news. */
function comparable(row: RowTypes[CollectionName]): string {
  return JSON.stringify('ageMs' in row ? { ...row, ageMs: 0, ttlMs: 0 } : row);
}

/** The pair of collection and row is right by `RowTypes`; TypeScript can not follow it through. */
function toChange<N extends CollectionName>(
  collection: N,
  key: string,
  row: RowTypes[N] | null,
): StateChange {
  return { collection, key, row } as StateChange;
}
