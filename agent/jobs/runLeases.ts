import type { Clock, Timer } from '../common/clock.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import type { LeaseTimes } from './leaseTimes.ts';

/** A handler that was told that its lock is another's has that long, then its process is ended. */
const GRACE_AFTER_LOSS_MS = 500;

/** BullMQ's lock of a job, as long as it runs here. */
export interface RunLease {
  /** Aborts when the lock is lost, or can not be renewed: the handler must stop. */
  readonly signal: AbortSignal;
  /** Aborts when the handler has had its time to stop: what still runs is ended. */
  readonly cut: AbortSignal;
  /** The run is over: its lock is not renewed any more. */
  end(): void;
}

export interface RunLeasesOptions {
  times: LeaseTimes;
  clock: Clock;
  logger: Logger;
  /** Renews locks. @returns ids of jobs whose lock is gone or another's; rejects with Redis away */
  renew: (jobIds: string[], tokens: string[], lockMs: number) => Promise<string[]>;
}

/**
 * Renews the locks of the runs of one queue at a third of their time. A lock is trusted from the
 * moment at which its last renewal was asked for, not from the answer. What can not be renewed is
 * told to stop, and cut, before another may have the job.
 */
export class RunLeases {
  private readonly held = new Map<string, HeldLock>();
  private timer: Timer | undefined;

  constructor(private readonly options: RunLeasesOptions) {}

  /** @param token what BullMQ locked the job with, a moment ago */
  begin(jobId: string, token: string): RunLease {
    const { clock, times } = this.options;
    const lock = new HeldLock(jobId, token, times, clock, () => {
      if (this.held.get(jobId) === lock) this.held.delete(jobId);
    });
    this.held.set(jobId, lock);
    this.timer ??= clock.setTimeout(() => void this.renew(), times.renewEveryMs);
    return lock;
  }

  has(jobId: string): boolean {
    return this.held.has(jobId);
  }

  close(): void {
    this.timer?.cancel();
    for (const lock of this.held.values()) lock.end();
  }

  private async renew(): Promise<void> {
    const { clock, times, logger, renew } = this.options;
    this.timer = undefined;
    const locks = [...this.held.values()];
    if (locks.length === 0) return;
    this.timer = clock.setTimeout(() => void this.renew(), times.renewEveryMs);
    const askedAt = clock.monotonic();
    try {
      const lost = new Set(
        await renew(
          locks.map(({ jobId }) => jobId),
          locks.map(({ token }) => token),
          times.lockMs,
        ),
      );
      for (const lock of locks) {
        if (lost.has(lock.jobId)) lock.lose('it is gone, or another run has it');
        else lock.trustFrom(askedAt);
      }
    } catch (error) {
      // The next renewal may come through; if none does, the timers of the locks fire.
      logger.debug({ why: messageOf(error) }, 'locks of runs not renewed');
    }
  }
}

class HeldLock implements RunLease {
  private readonly telling = new AbortController();
  private readonly cutting = new AbortController();
  private tellTimer: Timer | undefined;
  private cutTimer: Timer | undefined;
  private isOver = false;

  constructor(
    readonly jobId: string,
    readonly token: string,
    private readonly times: LeaseTimes,
    private readonly clock: Clock,
    private readonly onEnd: () => void,
  ) {
    this.trustFrom(clock.monotonic());
  }

  get signal(): AbortSignal {
    return this.telling.signal;
  }

  get cut(): AbortSignal {
    return this.cutting.signal;
  }

  end(): void {
    this.isOver = true;
    this.tellTimer?.cancel();
    this.cutTimer?.cancel();
    this.onEnd();
  }

  trustFrom(askedAt: number): void {
    if (this.isOver || this.signal.aborted) return;
    const { tellAfterMs, cutAfterMs } = this.times;
    const sinceMs = this.clock.monotonic() - askedAt;
    this.tellTimer?.cancel();
    const why = `it could not be renewed for ${tellAfterMs} ms`;
    this.tellTimer = this.clock.setTimeout(
      () => this.tell(why, cutAfterMs - tellAfterMs),
      Math.max(0, tellAfterMs - sinceMs),
    );
  }

  lose(why: string): void {
    this.tell(why, GRACE_AFTER_LOSS_MS);
  }

  private tell(why: string, graceMs: number): void {
    if (this.isOver || this.signal.aborted) return;
    this.tellTimer?.cancel();
    const reason = leaseLost(this.jobId, why);
    this.telling.abort(reason);
    this.cutTimer = this.clock.setTimeout(() => this.cutting.abort(reason), graceMs);
  }
}

/** The lock of a job is not ours any more: what its run still does may be refused. */
export function leaseLost(jobId: string, why: string): InterlockError {
  return new InterlockError({
    code: 'lease_lost',
    message: `The lock of job ${jobId} is lost: ${why}.`,
    remedy: 'The job runs again elsewhere. If it happens again, look at the load and at Redis.',
  });
}
