import type { Clock } from '../common/clock.ts';

const INTERVAL_MS = 10_000;

/** Warns at once, then at most every 10 s with how often it happened: a flood must not fill the log. */
export class CountedWarning {
  private pending = 0;
  private lastAt: number | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly write: (count: number, detail: string) => void,
  ) {}

  add(count: number, detail = ''): void {
    this.pending += count;
    const now = this.clock.monotonic();
    if (this.lastAt !== undefined && now - this.lastAt < INTERVAL_MS) return;
    this.lastAt = now;
    this.write(this.pending, detail);
    this.pending = 0;
  }
}
