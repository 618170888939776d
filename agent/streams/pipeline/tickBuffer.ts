import type { Tick } from '../adapters/tick.ts';
import type { TickRun } from './tickRun.ts';

/**
 * Ticks in memory with their running numbers, oldest first. Two plain arrays and where they begin:
 * nothing is allocated per tick.
 */
export class TickBuffer {
  private ticks: Tick[] = [];
  private seqs: number[] = [];
  private head = 0;

  get count(): number {
    return this.ticks.length - this.head;
  }

  push(tick: Tick, seq: number): void {
    this.ticks.push(tick);
    this.seqs.push(seq);
  }

  /** The oldest, up to a hole in their numbers. They stay where they are. */
  peek(maxTicks: number): TickRun | undefined {
    const firstSeq = this.seqs[this.head];
    if (firstSeq === undefined) return undefined;
    const count = this.withoutHole(firstSeq, Math.min(maxTicks, this.count));
    const ticks = this.ticks.slice(this.head, this.head + count);
    return { firstSeq, lastSeq: firstSeq + count - 1, ticks };
  }

  /** @returns how many there were to remove, at most `count` */
  drop(count: number): number {
    const dropped = Math.min(count, this.count);
    this.head += dropped;
    // Moving the rest each time would make a full buffer slow; half of it at a time does not.
    if (this.head * 2 >= this.ticks.length) {
      this.ticks = this.ticks.slice(this.head);
      this.seqs = this.seqs.slice(this.head);
      this.head = 0;
    }
    return dropped;
  }

  private withoutHole(firstSeq: number, most: number): number {
    let count = most;
    // Numbers only grow: where the last one fits, all do.
    if (this.seqs[this.head + count - 1] === firstSeq + count - 1) return count;
    for (count = 1; this.seqs[this.head + count] === firstSeq + count; count += 1);
    return count;
  }
}
