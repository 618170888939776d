import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import type { Tick } from '../adapters/tick.ts';
import type { TickRun } from './tickRun.ts';

interface Line {
  offset: number;
  bytes: number;
  firstSeq: number;
  lastSeq: number;
}

/** One file of spilled ticks. Each line is one run, as a JSON array; where it is, is kept in memory. */
export class SpillSegment {
  bytes = 0;
  /** Ticks in it that were not taken. */
  count = 0;
  private lines: Line[] = [];
  private next = 0;
  private descriptor: number | undefined;

  /** @throws the error of the file system */
  constructor(private readonly file: string) {
    this.descriptor = openSync(file, 'wx+', 0o600);
  }

  /** @throws the error of the file system; then nothing was appended */
  append({ firstSeq, lastSeq, ticks }: TickRun, line: Buffer): void {
    const descriptor = this.open();
    // At its place, not at the end: what a failed write left behind is written over.
    for (let done = 0; done < line.length;) {
      done += writeSync(descriptor, line, done, line.length - done, this.bytes + done);
    }
    this.lines.push({ offset: this.bytes, bytes: line.length, firstSeq, lastSeq });
    this.bytes += line.length;
    this.count += ticks.length;
  }

  /**
   * The oldest lines whose numbers follow each other, at most `maxTicks` ticks, but one line at least.
   * They count as taken, whether they can be read or not.
   * @returns undefined when there is no more
   */
  take(maxTicks: number): { run: TickRun } | { lost: number; why: unknown } | undefined {
    const first = this.lines[this.next];
    if (first === undefined) return undefined;
    let last = first;
    this.next += 1;
    for (;;) {
      const line = this.lines[this.next];
      if (line === undefined || line.firstSeq !== last.lastSeq + 1) break;
      if (line.lastSeq - first.firstSeq >= maxTicks) break;
      last = line;
      this.next += 1;
    }
    const { firstSeq, offset } = first;
    const { lastSeq } = last;
    const count = lastSeq - firstSeq + 1;
    this.count -= count;
    try {
      const ticks = this.read(offset, last.offset + last.bytes - offset);
      if (ticks.length !== count) throw new Error(`${ticks.length} ticks in place of ${count}`);
      return { run: { firstSeq, lastSeq, ticks } };
    } catch (why) {
      return { lost: count, why };
    }
  }

  /** Nothing more is appended: the file is opened again when it is read. */
  seal(): void {
    if (this.descriptor !== undefined) closeSync(this.descriptor);
    this.descriptor = undefined;
  }

  remove(): void {
    this.seal();
    rmSync(this.file, { force: true });
    this.lines = [];
    this.count = 0;
  }

  private open(): number {
    return (this.descriptor ??= openSync(this.file, 'r'));
  }

  private read(offset: number, bytes: number): Tick[] {
    const text = Buffer.allocUnsafe(bytes);
    const descriptor = this.open();
    for (let done = 0; done < bytes;) {
      const read = readSync(descriptor, text, done, bytes - done, offset + done);
      if (read === 0) throw new Error('the file is shorter than what was written');
      done += read;
    }
    const lines = text.toString('utf8').trimEnd().split('\n');
    return lines.flatMap((line) => parseTicks(JSON.parse(line)));
  }
}

function parseTicks(value: unknown): Tick[] {
  if (isTicks(value)) return value;
  throw new Error('a line is not what was written');
}

/**
 * What this process wrote itself a moment ago. Not the schema of a tick: an adapter may make ticks that
 * it would refuse, and they must not be lost because they were on disk for a while.
 */
function isTicks(value: unknown): value is Tick[] {
  return Array.isArray(value) && value.every(isObjectWithSymbol);
}

function isObjectWithSymbol(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'symbol' in value;
}
