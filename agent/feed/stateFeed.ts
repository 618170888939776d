import type { Clock, Timer } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { within } from '../common/within.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import type { JobReader } from '../jobs/jobReader.ts';
import type { LockService } from '../locks/lockService.ts';
import type { Logger } from '../logging.ts';
import type { DebugRow } from '../protocol/debug.ts';
import type { JobRow, JobState, LeaderRow, ScheduleRow, StreamRow } from '../protocol/model.ts';
import type { StateStore } from './stateStore.ts';

/** Jobs of each state of each queue that clients get unasked; more come by page. */
const JOBS_PER_STATE: Record<JobState, number> = {
  active: 50,
  waiting: 25,
  prioritized: 25,
  delayed: 25,
  failed: 50,
  completed: 25,
  'waiting-children': 10,
};
const DECISIONS_SHOWN = 200;
/** Those that need a person come first. */
const LOCKS_SHOWN = 200;

/** A busy queue changes all the time: it is read again that often at most. */
const MIN_REFRESH_INTERVAL_MS = 300;
/** Events come in groups: wait that long for the rest of one. */
const COALESCE_MS = 30;
/** Locks, streams and schedules have no events: they are read that often, while someone looks. */
const REGULAR_REFRESH_MS = 1_000;
/** With very many locks, reading them takes at most that share of the time. */
const LOCK_READING_SHARE = 0.1;
/** Who asks for the status of an agent whose Redis hangs still gets it. */
const COUNT_DEADLINE_MS = 500;

export interface StateFeedOptions {
  store: StateStore;
  reader: JobReader;
  queueNames: () => string[];
  locks: LockService;
  decisions: DecisionLog;
  scheduleRows: () => Promise<ScheduleRow[]>;
  leaderRows: () => Promise<LeaderRow[]>;
  streamRows: () => Promise<StreamRow[]>;
  debugRows: () => Promise<DebugRow[]>;
  clock: Clock;
  logger: Logger;
}

/** Keeps the store up to date, while a client looks, and reads only what may have changed. */
export class StateFeed {
  private readonly dirtyQueues = new Set<string>();
  private decisionsDirty = true;
  private timer: Timer | undefined;
  private timerDueAt = 0;
  private refreshedAt = 0;
  private regularAt = 0;
  private locksAt = 0;
  private decisionsTotal = 0;
  private working: Promise<void> | undefined;
  private closed = false;

  constructor(private readonly options: StateFeedOptions) {
    this.markAllDirty();
  }

  queueChanged(queue: string): void {
    this.dirtyQueues.add(queue);
    this.scheduleSoon();
  }

  decisionsChanged(): void {
    this.decisionsDirty = true;
    this.scheduleSoon();
  }

  /** A lock was released here: it is gone from the view at once. */
  locksChanged(): void {
    this.regularAt = 0;
    this.locksAt = 0;
    this.scheduleSoon();
  }

  /** A person paused a schedule here, or asked something else of it. */
  schedulesChanged(): void {
    this.regularAt = 0;
    this.scheduleSoon();
  }

  /** How many there were in Redis when they were counted last. */
  get totals(): { locks: number; decisions: number } {
    return { locks: this.options.locks.total, decisions: this.decisionsTotal };
  }

  /** Counts anew while nobody looks: then nothing else does. Never rejects, and never waits long. */
  async countTotals(): Promise<void> {
    const { store, clock, locks, decisions, logger } = this.options;
    if (store.hasListeners) return;
    const counting = Promise.all([locks.first(0), decisions.count()])
      .then(([, count]) => (this.decisionsTotal = count))
      .catch((error: unknown) => logger.debug({ why: messageOf(error) }, 'not counted'));
    await within(clock, COUNT_DEADLINE_MS, counting);
  }

  /** Brings everything up to date, before a snapshot is given. */
  async refreshAll(): Promise<void> {
    // A refresh that is under way began before this call: what it read may be old.
    await this.working;
    this.markAllDirty();
    this.regularAt = 0;
    this.locksAt = 0;
    await this.refresh();
  }

  /** Goes on refreshing: a client looks now. */
  resume(): void {
    this.schedule(REGULAR_REFRESH_MS);
  }

  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    await this.working;
  }

  private markAllDirty(): void {
    for (const name of this.options.queueNames()) this.dirtyQueues.add(name);
    this.decisionsDirty = true;
  }

  private scheduleSoon(): void {
    const sinceLastMs = this.options.clock.monotonic() - this.refreshedAt;
    this.schedule(Math.max(COALESCE_MS, MIN_REFRESH_INTERVAL_MS - sinceLastMs));
  }

  /** The earliest of all wishes counts. */
  private schedule(delayMs: number): void {
    const { clock, store } = this.options;
    if (this.closed || !store.hasListeners) return;
    const dueAt = clock.monotonic() + delayMs;
    if (this.timer !== undefined && this.timerDueAt <= dueAt) return;
    this.timer?.cancel();
    this.timerDueAt = dueAt;
    this.timer = clock.setTimeout(() => {
      this.timer = undefined;
      void this.refresh().then(() => this.schedule(REGULAR_REFRESH_MS));
    }, delayMs);
  }

  private refresh(): Promise<void> {
    this.working ??= this.readChanges().finally(() => (this.working = undefined));
    return this.working;
  }

  private async readChanges(): Promise<void> {
    const { clock, logger } = this.options;
    this.refreshedAt = clock.monotonic();
    try {
      const queues = [...this.dirtyQueues];
      this.dirtyQueues.clear();
      for (const queue of queues) await this.refreshQueue(queue);
      if (this.decisionsDirty) await this.refreshDecisions();
      if (clock.monotonic() >= this.regularAt) {
        this.regularAt = clock.monotonic() + REGULAR_REFRESH_MS * 0.9;
        await this.refreshRegular();
      }
    } catch (error) {
      // Redis is away: everything is read again when it is back.
      this.markAllDirty();
      logger.debug({ why: messageOf(error) }, 'state not refreshed');
    }
  }

  private async refreshQueue(queue: string): Promise<void> {
    const { store, reader } = this.options;
    const row = await reader.queueRow(queue);
    store.set('queues', queue, row);
    const jobs = new Map<string, JobRow>();
    for (const [state, count] of Object.entries(row.counts)) {
      const parsed = stateNamed(state);
      if (parsed === undefined || count === 0) continue;
      for (const job of await reader.newest(queue, parsed, JOBS_PER_STATE[parsed])) {
        jobs.set(`${queue}/${job.id}`, job);
      }
    }
    store.replace('jobs', jobs, `${queue}/`);
  }

  private async refreshDecisions(): Promise<void> {
    const { store, decisions } = this.options;
    this.decisionsDirty = false;
    const [newest, total] = await Promise.all([
      decisions.newest(DECISIONS_SHOWN),
      decisions.count(),
    ]);
    this.decisionsTotal = total;
    store.replace('decisions', new Map(newest.map((decision) => [decision.id, decision])));
  }

  private async refreshRegular(): Promise<void> {
    const { store, scheduleRows, leaderRows, streamRows, debugRows } = this.options;
    const [schedules, leaders, streams, debugs] = await Promise.all([
      scheduleRows(),
      leaderRows(),
      streamRows(),
      debugRows(),
      this.refreshLocks(),
      this.refreshOutside(),
    ]);
    store.replace('schedules', new Map(schedules.map((row) => [row.name, row])));
    store.replace('debugs', new Map(debugs.map((row) => [row.id, row])));
    store.replace('leaders', new Map(leaders.map((row) => [String(row.fence), row])));
    store.replace('streams', new Map(streams.map((row) => [row.name, row])));
  }

  /** Their locks are renewed without an event. */
  private async refreshOutside(): Promise<void> {
    const { store, reader } = this.options;
    const rows = store.list('jobs').filter(({ outside }) => outside !== undefined);
    for (const row of await reader.withOutside(rows))
      store.set('jobs', `${row.queue}/${row.id}`, row);
  }

  private async refreshLocks(): Promise<void> {
    const { clock, store, locks } = this.options;
    const startedAt = clock.monotonic();
    if (startedAt < this.locksAt) return;
    const rows = await locks.first(LOCKS_SHOWN);
    const tookMs = clock.monotonic() - startedAt;
    this.locksAt = startedAt + tookMs / LOCK_READING_SHARE;
    // Ages and what is left tick on the client's side: only a renewal is news.
    store.replace('locks', new Map(rows.map((row) => [row.name, row])));
  }
}

function stateNamed(name: string): JobState | undefined {
  return Object.keys(JOBS_PER_STATE).find((state): state is JobState => state === name);
}
