import type { Tick } from '../adapters/tick.ts';
import type { TickRun, TickSource } from './tickRun.ts';

/** Keeps the last tick of each symbol only, so it never holds more than there are symbols. */
export class LatestTicks implements TickSource {
  conflated = 0;
  readonly spilled = 0;
  private readonly latest = new Map<string, Tick>();
  private arrived = 0;
  private lastSeq = 0;

  /** @param fullAt most ticks of a batch */
  constructor(readonly fullAt: number) {}

  get count(): number {
    return this.latest.size;
  }

  add(ticks: readonly Tick[]): void {
    for (const tick of ticks) {
      this.arrived += 1;
      if (this.latest.has(tick.symbol)) this.conflated += 1;
      this.latest.set(tick.symbol, tick);
    }
  }

  /** Its numbers cover those that were replaced too, so they have no hole. */
  take(): TickRun | undefined {
    if (this.latest.size === 0) return undefined;
    const ticks: Tick[] = [];
    for (const [symbol, tick] of this.latest) {
      if (ticks.length === this.fullAt) break;
      ticks.push(tick);
      this.latest.delete(symbol);
    }
    const firstSeq = this.lastSeq + 1;
    this.lastSeq = this.arrived - this.latest.size;
    return { firstSeq, lastSeq: this.lastSeq, ticks };
  }

  settle(): void {
    // What was taken is not counted here.
  }

  end(): void {
    this.latest.clear();
  }
}
