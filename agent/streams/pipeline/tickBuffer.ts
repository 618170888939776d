import type { Tick } from '../adapters/tick.ts';
import { tickJson } from './tickJson.ts';
import type { TickRun } from './tickRun.ts';

const FIRST_BYTES = 4 * 1024;
/** A buffer that had to hold much gives the memory back when it is empty. */
const MOST_KEPT_BYTES = 256 * 1024;
/** A feed that makes up symbols must not fill the memory. */
const MOST_SYMBOLS = 10_000;

const COMMA = 0x2c;

/**
 * Ticks in memory with their running numbers, oldest first. They are kept as bytes of JSON, and what
 * has to be known of them as numbers: nothing is left to the garbage collector, which otherwise moves
 * each tick twice before it is sent. That cost as much as receiving it.
 */
export class TickBuffer {
  private bytes = Buffer.allocUnsafe(FIRST_BYTES);
  /** By tick: where its JSON ends, with a comma; its running number; its symbol; the feed's number. */
  private ends: number[] = [];
  private seqs: number[] = [];
  private symbols: number[] = [];
  private feedSeqs: number[] = [];
  private head = 0;
  private readonly symbolNames: string[] = [];
  private readonly symbolNumbers = new Map<string, number>();

  get count(): number {
    return this.ends.length - this.head;
  }

  /**
   * @param seq its running number
   * @returns false for what can not be JSON
   */
  push(tick: Tick, seq: number): boolean {
    const text = tickJson(tick);
    if (text === undefined) return false;
    const begin = this.end;
    const end = begin + Buffer.byteLength(text);
    this.reserve(end + 1);
    this.bytes.write(text, begin);
    this.close(end, seq, tick.symbol, tick.seq ?? NaN);
    return true;
  }

  /**
   * @param feedSeq the feed's own number of it; NaN: it has none
   * @param json of the tick; it is copied
   * @param seq its running number
   */
  pushJson(symbol: string, feedSeq: number, json: Buffer, seq: number): void {
    const begin = this.end;
    const end = begin + json.length;
    this.reserve(end + 1);
    this.bytes.set(json, begin);
    this.close(end, seq, symbol, feedSeq);
  }

  /** The oldest, up to a hole in their numbers. They stay where they are. */
  peek(maxTicks: number): TickRun | undefined {
    const { head } = this;
    const firstSeq = this.seqs[head];
    if (firstSeq === undefined) return undefined;
    const count = this.withoutHole(firstSeq, Math.min(maxTicks, this.count));
    const from = this.endBefore(head);
    const to = this.endBefore(head + count) - 1;
    return {
      ...{ firstSeq, lastSeq: firstSeq + count - 1, count },
      json: this.bytes.toString('utf8', from, to),
      lastSeqs: this.lastSeqs(head, head + count),
    };
  }

  /** @returns how many there were to remove, at most `count` */
  drop(count: number): number {
    const dropped = Math.min(count, this.count);
    this.head += dropped;
    // Moving the rest each time would make a full buffer slow; half of it at a time does not.
    if (this.head * 2 >= this.ends.length) this.moveUp();
    return dropped;
  }

  /** Where the next tick begins. */
  private get end(): number {
    return this.ends.at(-1) ?? 0;
  }

  private close(end: number, seq: number, symbol: string, feedSeq: number): void {
    this.bytes[end] = COMMA;
    this.ends.push(end + 1);
    this.seqs.push(seq);
    this.symbols.push(this.numberOf(symbol));
    this.feedSeqs.push(feedSeq);
  }

  private reserve(size: number): void {
    if (size <= this.bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(size, this.bytes.length * 2));
    this.bytes.copy(larger, 0, 0, this.end);
    this.bytes = larger;
  }

  private moveUp(): void {
    const from = this.endBefore(this.head);
    const to = this.end;
    const isEmpty = this.head === this.ends.length;
    if (isEmpty && this.bytes.length > MOST_KEPT_BYTES)
      this.bytes = Buffer.allocUnsafe(FIRST_BYTES);
    this.bytes.copyWithin(0, from, to);
    this.ends = this.ends.slice(this.head).map((end) => end - from);
    this.seqs = this.seqs.slice(this.head);
    this.symbols = this.symbols.slice(this.head);
    this.feedSeqs = this.feedSeqs.slice(this.head);
    this.head = 0;
    if (isEmpty && this.symbolNames.length > MOST_SYMBOLS) {
      this.symbolNames.length = 0;
      this.symbolNumbers.clear();
    }
  }

  private endBefore(index: number): number {
    return index === 0 ? 0 : (this.ends[index - 1] ?? 0);
  }

  private numberOf(symbol: string): number {
    const known = this.symbolNumbers.get(symbol);
    if (known !== undefined) return known;
    const number = this.symbolNames.push(symbol) - 1;
    this.symbolNumbers.set(symbol, number);
    return number;
  }

  private lastSeqs(from: number, to: number): Map<string, number> {
    const last = new Map<string, number>();
    // Backwards: what is known already is newer.
    for (let index = to - 1; index >= from; index -= 1) {
      const seq = this.feedSeqs[index] ?? NaN;
      const symbol = this.symbolNames[this.symbols[index] ?? 0];
      if (!Number.isNaN(seq) && symbol !== undefined && !last.has(symbol)) last.set(symbol, seq);
    }
    return last;
  }

  private withoutHole(firstSeq: number, most: number): number {
    let count = most;
    // Numbers only grow: where the last one fits, all do.
    if (this.seqs[this.head + count - 1] === firstSeq + count - 1) return count;
    for (count = 1; this.seqs[this.head + count] === firstSeq + count; count += 1);
    return count;
  }
}
