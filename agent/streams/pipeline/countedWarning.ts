import type { Clock, Timer } from '../../common/clock.ts';

const INTERVAL_MS = 10_000;

/**
 * Warns at once, then at most every 10 s with how often it happened: a flood must not fill the log,
 * and what came last must not stay untold.
 */
export class CountedWarning {
  private pending = 0;
  private detail = '';
  private lastAt = -Infinity;
  private timer: Timer | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly write: (count: number, detail: string) => void,
  ) {}

  /** @param detail of several in one interval, the last one is told */
  add(count: number, detail = ''): void {
    this.pending += count;
    this.detail = detail;
    if (this.timer !== undefined) return;
    const waitMs = this.lastAt + INTERVAL_MS - this.clock.monotonic();
    if (waitMs <= 0) this.tell();
    else this.timer = this.clock.setTimeout(() => this.tell(), waitMs);
  }

  /** Tells what is pending now. */
  tell(): void {
    const { pending, detail } = this;
    this.forget();
    if (pending === 0) return;
    this.lastAt = this.clock.monotonic();
    this.write(pending, detail);
  }

  /** What is pending is of no interest any more. */
  forget(): void {
    this.timer?.cancel();
    this.timer = undefined;
    this.pending = 0;
  }
}
