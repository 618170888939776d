import type { Tick } from '../adapters/tick.ts';
import { NO_JSON, tickJson } from './tickJson.ts';
import type { TickRun, TickSource } from './tickRun.ts';

/** Keeps the last tick of each symbol only, so it never holds more than there are symbols. */
export class LatestTicks implements TickSource {
  conflated = 0;
  readonly spilled = 0;
  private readonly latest = new Map<string, Tick>();
  private arrived = 0;
  private lastSeq = 0;

  /** @param fullAt most ticks of a batch */
  constructor(
    readonly fullAt: number,
    private readonly onDropped: (count: number, why: string) => void,
  ) {}

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
    const texts: string[] = [];
    const lastSeqs = new Map<string, number>();
    for (const [symbol, tick] of this.latest) {
      if (texts.length === this.fullAt) break;
      this.latest.delete(symbol);
      const text = tickJson(tick);
      if (text === undefined) {
        this.onDropped(1, NO_JSON);
        continue;
      }
      texts.push(text);
      if (tick.seq !== undefined) lastSeqs.set(symbol, tick.seq);
    }
    const firstSeq = this.lastSeq + 1;
    this.lastSeq = this.arrived - this.latest.size;
    const json = texts.join(',');
    return { firstSeq, lastSeq: this.lastSeq, count: texts.length, json, lastSeqs };
  }

  settle(): void {
    // What was taken is not counted here.
  }

  end(): void {
    this.latest.clear();
  }
}
