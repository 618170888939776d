import type { Clock } from '../common/clock.ts';
import { ageThresholdsOf } from '../config/ageThresholds.ts';
import type { Config } from '../config/schema.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import type { Leases } from '../leases/lease.ts';
import type { Decision } from '../protocol/decision.ts';
import type { AgeThresholds, LockKind, LockRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import { isProcessStopped } from '../state/processIdentity.ts';
import { DedupLocks } from './dedupLocks.ts';
import { inOrder, matchesFilter, type LockFilter } from './lockOrder.ts';
import { lockNotFound, LockRelease } from './lockRelease.ts';
import { readLockedJobs, type JobRef } from './lockedJobs.ts';
import type { ReleaseRequest } from './releaseRule.ts';
import { readRunLocks, type RunLockSource } from './runLocks.ts';
import { WatchedLocks } from './watchedLocks.ts';

/** Keys without an index are looked for that often at most: unasked, and when a person asks. */
const SCAN_AGE_UNASKED_MS = 10_000;
const SCAN_AGE_ASKED_MS = 1_000;

export interface LockServiceOptions {
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  leases: Leases;
  decisions: DecisionLog;
  config: Config;
  queueNames: () => string[];
  /** Milliseconds that a renewal of a run's lock gives, in one of our queues. */
  lockTtlOf: (queue: string) => number;
  clock: Clock;
}

/** Every lock on this Redis that concerns jobs, schedules and streams, and those that are watched. */
export class LockService {
  private readonly runs: RunLockSource;
  private readonly dedup: DedupLocks;
  private readonly watched: WatchedLocks;
  private readonly releasing: LockRelease;
  private readonly thresholds: AgeThresholds;
  private count = 0;

  constructor(private readonly options: LockServiceOptions) {
    const { redis, scripts, keys, config, decisions, queueNames, lockTtlOf, clock } = options;
    this.runs = { redis, keys, lockTtlOf, types: Object.keys(config.jobs) };
    this.dedup = new DedupLocks({ redis, scripts, keys, queueNames, clock });
    this.watched = new WatchedLocks(redis, keys, config.locks.watch, clock);
    this.releasing = new LockRelease({ redis, scripts, keys, decisions, runs: this.runs });
    this.thresholds = ageThresholdsOf(config);
  }

  /** How many there were when all were read last. */
  get total(): number {
    return this.count;
  }

  /** What needs a person first, then by kind and name. */
  async list(
    filter: LockFilter,
    limit: number,
    offset: number,
  ): Promise<{ rows: LockRow[]; total: number }> {
    const all = await this.read(filter.kind, SCAN_AGE_ASKED_MS);
    const rows = all.filter((row) => matchesFilter(row, filter));
    return { rows: rows.slice(offset, offset + limit), total: rows.length };
  }

  /** The first ones, for those who look all the time; the scheduler's lock is always among them. */
  async first(count: number): Promise<LockRow[]> {
    const all = await this.read(undefined, SCAN_AGE_UNASKED_MS);
    return all.filter((row, index) => index < count || row.kind === 'scheduler');
  }

  /** The locks of these runs. */
  ofRuns(runs: readonly JobRef[]): Promise<LockRow[]> {
    return readRunLocks(this.runs, runs);
  }

  /** @throws InterlockError `not_found` */
  async release({ name, ...request }: ReleaseRequest & { name: string }): Promise<Decision> {
    const row = (await this.read(undefined, SCAN_AGE_ASKED_MS)).find((lock) => lock.name === name);
    if (row === undefined) throw lockNotFound(name);
    return this.releasing.release(row, request);
  }

  /** @param kind left out: all of them */
  private async read(kind: LockKind | undefined, maxAgeMs: number): Promise<LockRow[]> {
    const wants = (...kinds: LockKind[]) => kind === undefined || kinds.includes(kind);
    const parts = await Promise.all([
      wants('scheduler', 'stream') ? this.options.leases.list() : [],
      wants('run', 'job', 'dedup') ? this.readJobs(maxAgeMs) : [],
      wants('watched') ? this.watched.read(maxAgeMs) : [],
    ]);
    const byName = new Map(parts.flat().map((row) => [row.name, row]));
    if (kind === undefined) this.count = byName.size;
    return inOrder(withPaused([...byName.values()]), this.thresholds);
  }

  private async readJobs(maxAgeMs: number): Promise<LockRow[]> {
    const { redis, keys, queueNames } = this.options;
    const { active, waiting } = await readLockedJobs(redis, keys, queueNames());
    const parts = await Promise.all([
      readRunLocks(this.runs, active),
      this.dedup.read([...active, ...waiting], maxAgeMs),
    ]);
    return parts.flat();
  }
}

/** A holder on this host that is stopped renews nothing, and says nothing either. */
function withPaused(rows: LockRow[]): LockRow[] {
  const stopped = new Map<number, boolean>();
  const isStopped = (pid: number) => {
    const known = stopped.get(pid) ?? isProcessStopped(pid);
    stopped.set(pid, known);
    return known;
  };
  return rows.map((row) => {
    const { holder, state } = row;
    const paused = holder?.alive === true && state !== 'orphaned' && isStopped(holder.pid);
    return paused ? { ...row, state: 'paused' } : row;
  });
}
