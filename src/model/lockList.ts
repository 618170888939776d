import type { AgentClient } from '../../agent/protocol/agentClient.ts';
import { requests } from '../../agent/protocol/api.ts';
import type { AgeLevel, LockKind, LockRow } from '../../agent/protocol/model.ts';
import type { AgentTime } from './agentTime.ts';
import { lockLevel, ttlLeftMs } from './lockClock.ts';
import { Pages, type PageSource } from './pages.ts';
import { ReadTimes } from './readTimes.ts';
import type { Store, StoreChanges } from './store.ts';

/** The order of kinds: what everything depends on first, what comes in thousands last. */
export const LOCK_KIND_ORDER: readonly LockKind[] = [
  'scheduler',
  'stream',
  'run',
  'job',
  'watched',
  'dedup',
];

const PAGE_SIZE = 200;
const WHOLE_PAGE = 1_000;
const GROUP = 'all';

/** Every lock that is known here: those that the agent sends, and those that were loaded. */
export class LockList implements PageSource {
  private readonly pages = new Pages<LockRow>(({ name }) => name);
  private readonly readTimes = new ReadTimes();

  constructor(
    private readonly store: Store,
    private readonly time: AgentTime,
  ) {}

  find(name: string): LockRow | undefined {
    return this.store.rows('locks').get(name) ?? this.pages.find(name);
  }

  /** In no order. */
  all(): LockRow[] {
    const sent = this.store.rows('locks');
    const loaded = [...this.pages.rows(GROUP).values()].filter(({ name }) => !sent.has(name));
    return [...sent.values(), ...loaded];
  }

  /** What needs a person first, the worst on top; then by kind and name. */
  rows(): LockRow[] {
    const nowMs = this.time.now();
    return this.all()
      .map((row) => ({ row, urgency: this.urgency(row, nowMs) }))
      .sort((a, b) => a.urgency - b.urgency || byKindAndName(a.row, b.row))
      .map(({ row }) => row);
  }

  /** What lets this job run, or keeps others out for it. */
  ofJob(queue: string, id: string): LockRow[] {
    return this.all().filter(({ job }) => job?.id === id && job.queue === queue);
  }

  level(lock: LockRow, nowMs: number): AgeLevel {
    return lockLevel(lock, nowMs, this.store.agent?.thresholds);
  }

  ttlLeftMs(lock: LockRow, nowMs: number): number | undefined {
    return ttlLeftMs(lock, nowMs, this.readTimes.of(lock));
  }

  /** 0 is the worst; below `CALM` a person has to look. */
  urgency(lock: LockRow, nowMs: number): number {
    if (lock.state === 'holder_dead' || lock.state === 'orphaned') return 0;
    const level = LEVEL_URGENCY[this.level(lock, nowMs)];
    if (level < CALM) return level;
    if (lock.state === 'expiring') return 4;
    return lock.state === 'paused' ? 5 : CALM;
  }

  get remaining(): number {
    return Math.max(0, (this.store.agent?.totals.locks ?? 0) - this.known);
  }

  async load(client: AgentClient): Promise<void> {
    const before = this.known;
    await this.loadPage(client, before, PAGE_SIZE);
    // Locks come and go: those that are missing may stand before the place where we went on.
    if (this.known === before) await this.loadPage(client, 0, WHOLE_PAGE);
  }

  /** To be told of all changes, so that nothing is shown from a page that the agent knows better. */
  onRows(changes: StoreChanges): void {
    const nowMs = this.time.now();
    for (const [name, { after }] of changes.locks) {
      this.pages.drop(name);
      if (after !== undefined) this.readTimes.observe(after, nowMs);
    }
    const total = this.store.agent?.totals.locks;
    // Fewer in Redis than here: some of what was loaded has ended, and nothing tells which.
    if (total !== undefined && this.known > total) this.pages.clear();
  }

  clear(): void {
    this.pages.clear();
  }

  get known(): number {
    return this.all().length;
  }

  private async loadPage(client: AgentClient, offset: number, limit: number): Promise<void> {
    const { rows } = await client.request(requests.locks, { offset, limit });
    const nowMs = this.time.now();
    for (const row of rows) this.readTimes.observe(row, nowMs);
    this.pages.add(GROUP, rows);
  }
}

/** The urgency of a lock that nobody has to look at. */
export const CALM = 6;

const LEVEL_URGENCY: Record<AgeLevel, number> = {
  emergency: 1,
  critical: 2,
  warning: 3,
  normal: CALM,
};

function byKindAndName(a: LockRow, b: LockRow): number {
  const kinds = LOCK_KIND_ORDER.indexOf(a.kind) - LOCK_KIND_ORDER.indexOf(b.kind);
  return kinds !== 0 ? kinds : COLLATOR.compare(a.name, b.name);
}

/** One for all: `localeCompare` makes a new one each time, which 10,000 rows feel. */
const COLLATOR = new Intl.Collator('en', { numeric: true });
