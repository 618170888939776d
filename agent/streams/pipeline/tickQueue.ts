import type { Tick } from '../adapters/tick.ts';
import type { BufferBudget, Share } from './bufferBudget.ts';
import type { SpillFile } from './spillFile.ts';
import { TickBuffer } from './tickBuffer.ts';
import { NO_JSON } from './tickJson.ts';
import type { TickRun, TickSource } from './tickRun.ts';

/** Ticks that go to disk at once: many enough to be cheap, few enough not to be felt. */
const MAX_SPILLED_RUN_TICKS = 1_000;

export interface TickQueueOptions {
  budget: BufferBudget;
  /** null: what does not fit in memory is dropped. */
  spill: SpillFile | null;
  /** Of one batch. */
  maxTicks: number;
  onDropped: (count: number, why: string) => void;
}

/**
 * Every tick, in the order of arrival. What is on disk is older than what is in memory: when the
 * memory is full, its oldest ticks go to the end of the disk, and reading begins with the disk.
 */
export class TickQueue implements TickSource {
  readonly conflated = 0;
  private readonly memory = new TickBuffer();
  private readonly share: Share;
  private arrived = 0;

  constructor(private readonly options: TickQueueOptions) {
    this.share = options.budget.ticks.join((amount) => this.giveUp(amount));
  }

  get count(): number {
    return this.memory.count + this.spilled;
  }

  get spilled(): number {
    return this.options.spill?.count ?? 0;
  }

  /**
   * Where many shards share little memory, smaller batches leave sooner: what is under way can neither
   * be spilled nor dropped, so it may take half of an even part at most.
   */
  get fullAt(): number {
    const { budget, maxTicks } = this.options;
    return Math.max(1, Math.min(maxTicks, Math.floor(budget.ticks.evenPart / 2)));
  }

  add(ticks: readonly Tick[]): void {
    for (const tick of ticks) {
      if (!this.takePlace() || this.memory.push(tick, this.arrived)) continue;
      this.share.give(1);
      this.options.onDropped(1, NO_JSON);
    }
  }

  addJson(symbol: string, feedSeq: number, json: Buffer): void {
    if (this.takePlace()) this.memory.pushJson(symbol, feedSeq, json, this.arrived);
  }

  take(): TickRun | undefined {
    const { fullAt } = this;
    const spilled = this.options.spill?.take(fullAt);
    if (spilled !== undefined) {
      // One batch above the limit at most: without it a full memory would wait for the disk for ever.
      this.share.force(spilled.count);
      return spilled;
    }
    const run = this.memory.peek(fullAt);
    if (run !== undefined) this.memory.drop(run.count);
    return run;
  }

  settle(count: number): void {
    this.share.give(count);
  }

  end(): void {
    this.memory.drop(this.memory.count);
    this.options.spill?.end();
    this.share.leave();
  }

  private takePlace(): boolean {
    this.arrived += 1;
    if (this.share.take(1)) return true;
    // All the memory is under way, and none of it can be given up.
    this.options.onDropped(1, FULL);
    return false;
  }

  private giveUp(amount: number): number {
    const spilled = this.spillOldest();
    if (spilled > 0) return spilled;
    const dropped = this.memory.drop(amount);
    this.share.give(dropped);
    if (dropped > 0) this.options.onDropped(dropped, FULL);
    return dropped;
  }

  private spillOldest(): number {
    const { spill } = this.options;
    if (spill === null) return 0;
    // At most a batch: what goes to disk at once comes back at once.
    const run = this.memory.peek(Math.min(this.fullAt, MAX_SPILLED_RUN_TICKS));
    if (run === undefined || !spill.append(run)) return 0;
    const count = this.memory.drop(run.count);
    this.share.give(count);
    return count;
  }
}

const FULL = 'the buffer is full';
