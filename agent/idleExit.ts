import type { Clock, Timer } from './common/clock.ts';

/**
 * Says when an agent has outlived its purpose: the last client has gone, a grace time has passed,
 * and nothing runs. Runs that come and go in between do not prolong the grace time.
 */
export class IdleExit {
  private timer: Timer | undefined;
  private graceIsOver = false;
  private clients = 0;
  private runs = 0;
  private ended = false;

  /** @param graceMs undefined: never */
  constructor(
    private readonly graceMs: number | undefined,
    private readonly clock: Clock,
    private readonly onIdle: () => void,
  ) {
    this.startGrace();
  }

  setClients(count: number): void {
    const before = this.clients;
    this.clients = count;
    if (count > 0) this.cancelGrace();
    else if (before > 0) this.startGrace();
  }

  setRuns(count: number): void {
    this.runs = count;
    this.leaveIfIdle();
  }

  close(): void {
    this.ended = true;
    this.cancelGrace();
  }

  private startGrace(): void {
    if (this.graceMs === undefined || this.ended) return;
    this.timer = this.clock.setTimeout(() => {
      this.graceIsOver = true;
      this.leaveIfIdle();
    }, this.graceMs);
  }

  private cancelGrace(): void {
    this.timer?.cancel();
    this.graceIsOver = false;
  }

  private leaveIfIdle(): void {
    if (this.ended || !this.graceIsOver || this.clients > 0 || this.runs > 0) return;
    this.close();
    this.onIdle();
  }
}
