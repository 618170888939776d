import type { Clock, Timer } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import type { AgeAlert, AgeThresholds, JobRow, LockRow } from '../protocol/model.ts';
import { ageAlerts, risenAlerts } from './ageAlerts.ts';

/** Ages are minutes: that often is soon enough. With thresholds of seconds it looks more often. */
const LOOK_INTERVAL_MS = 5_000;
const MIN_LOOK_INTERVAL_MS = 250;

export interface AgeWatchOptions {
  thresholds: AgeThresholds;
  clock: Clock;
  logger: Logger;
  /** Now, by the clock that the times of runs and locks are told in; ms since the epoch. */
  nowMs: () => Promise<number>;
  /** Runs that go on and began at that time or before; younger ones may be among them. */
  runsSince: (beganMs: number) => Promise<JobRow[]>;
  /** Locks of these runs, and others that may have grown old. */
  locks: (runs: JobRow[]) => Promise<LockRow[]>;
  /** Whether a person has the job under a debugger: that takes as long as it takes. */
  isDebugged: (job: { queue: string; id: string } | null) => boolean;
}

/** Sees runs and locks pass a threshold of age, whether somebody looks or not. */
export class AgeWatch {
  private current: readonly AgeAlert[] = [];
  private readonly listeners = new Set<(alert: AgeAlert) => void>();
  /** The lowest of all thresholds. */
  private readonly leastMs: number;
  private timer: Timer | undefined;
  private looking: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(private readonly options: AgeWatchOptions) {
    this.leastMs = Math.min(...Object.values(options.thresholds));
  }

  /** What is over a threshold, the oldest first, as of the last look. */
  get alerts(): AgeAlert[] {
    return [...this.current];
  }

  /** Calls `listener` once for each threshold that a run or a lock passes. @returns ends it */
  onAlert(listener: (alert: AgeAlert) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  start(): void {
    this.looking = this.look();
    void this.looking.then(() => this.lookLater());
  }

  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    this.listeners.clear();
    await this.looking;
  }

  private lookLater(): void {
    if (this.closed) return;
    const pauseMs = Math.max(MIN_LOOK_INTERVAL_MS, Math.min(LOOK_INTERVAL_MS, this.leastMs));
    this.timer = this.options.clock.setTimeout(() => this.start(), pauseMs);
  }

  /** Never rejects: with Redis away, what was old stays old. */
  private async look(): Promise<void> {
    const { thresholds, logger, nowMs, runsSince, locks, isDebugged } = this.options;
    try {
      const now = await nowMs();
      const all = await runsSince(now - this.leastMs);
      const runs = all.filter((run) => !isDebugged(run));
      const held = (await locks(all)).filter((lock) => !isDebugged(lock.job));
      const alerts = ageAlerts(runs, held, thresholds, now);
      const risen = risenAlerts(this.current, alerts);
      this.current = alerts;
      for (const alert of risen) this.tell(alert, jobTypeOf(alert, runs, held), now);
    } catch (error) {
      logger.debug({ why: messageOf(error) }, 'ages not looked at');
    }
  }

  private tell(alert: AgeAlert, jobType: string | undefined, nowMs: number): void {
    const { kind, key, level, since } = alert;
    this.options.logger.warn(
      {
        ...{ action: 'age_alert', age_level: level, kind, job_type: jobType, key, since },
        age_ms: nowMs - Date.parse(since),
      },
      'age alert',
    );
    for (const listener of this.listeners) listener(alert);
  }
}

function jobTypeOf(alert: AgeAlert, runs: JobRow[], locks: LockRow[]): string | undefined {
  if (alert.kind === 'lock') return locks.find((lock) => lock.name === alert.key)?.job?.type;
  return runs.find((job) => `${job.queue}/${job.id}` === alert.key)?.type;
}
