import { closeSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import * as z from 'zod';
import type { TickRun } from './tickRun.ts';

const SEPARATOR = ',\n';

const numbered = z.object({ symbol: z.string(), seq: z.number() });

/** What was appended at once. */
interface Piece {
  offset: number;
  bytes: number;
  firstSeq: number;
  lastSeq: number;
}

/** One file of spilled ticks. Where each run of them is, is kept in memory. */
export class SpillSegment {
  bytes = 0;
  /** Ticks in it that were not taken. */
  count = 0;
  private pieces: Piece[] = [];
  private next = 0;
  private descriptor: number | undefined;

  /** @throws the error of the file system */
  constructor(private readonly file: string) {
    this.descriptor = openSync(file, 'wx+', 0o600);
  }

  /** How many bytes of a file a run takes. */
  static bytesOf({ json }: TickRun): number {
    return Buffer.byteLength(json) + SEPARATOR.length;
  }

  /** @throws the error of the file system; then nothing was appended */
  append(run: TickRun): void {
    const { firstSeq, lastSeq, count } = run;
    const descriptor = this.open();
    const piece = Buffer.from(`${run.json}${SEPARATOR}`);
    // At its place, not at the end: what a failed write left behind is written over.
    for (let done = 0; done < piece.length;) {
      done += writeSync(descriptor, piece, done, piece.length - done, this.bytes + done);
    }
    this.pieces.push({ offset: this.bytes, bytes: piece.length, firstSeq, lastSeq });
    this.bytes += piece.length;
    this.count += count;
  }

  /**
   * The oldest pieces whose numbers follow each other, at most `maxTicks` ticks, but one piece at least.
   * They count as taken, whether they can be read or not.
   * @returns undefined when there is no more
   */
  take(maxTicks: number): { run: TickRun } | { lost: number; why: unknown } | undefined {
    const first = this.pieces[this.next];
    if (first === undefined) return undefined;
    let last = first;
    this.next += 1;
    for (;;) {
      const piece = this.pieces[this.next];
      if (piece === undefined || piece.firstSeq !== last.lastSeq + 1) break;
      if (piece.lastSeq - first.firstSeq >= maxTicks) break;
      last = piece;
      this.next += 1;
    }
    const { firstSeq, offset } = first;
    const { lastSeq } = last;
    const count = lastSeq - firstSeq + 1;
    this.count -= count;
    try {
      const json = this.read(offset, last.offset + last.bytes - offset);
      return { run: { firstSeq, lastSeq, count, json, lastSeqs: checked(json, count) } };
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
    this.pieces = [];
    this.count = 0;
  }

  private open(): number {
    return (this.descriptor ??= openSync(this.file, 'r'));
  }

  private read(offset: number, bytes: number): string {
    const text = Buffer.allocUnsafe(bytes);
    const descriptor = this.open();
    for (let done = 0; done < bytes;) {
      const read = readSync(descriptor, text, done, bytes - done, offset + done);
      if (read === 0) throw new Error('the file is shorter than what was written');
      done += read;
    }
    return text.toString('utf8', 0, bytes - SEPARATOR.length);
  }
}

/**
 * Looks whether it is what this process wrote itself a moment ago. Not by the schema of a tick: an
 * adapter may make ticks that it would refuse, and they must not be lost because they were on disk.
 * @returns the feed's last number of each symbol
 * @throws Error when it is not
 */
function checked(json: string, count: number): Map<string, number> {
  const ticks: unknown = JSON.parse(`[${json}]`);
  if (!Array.isArray(ticks) || ticks.length !== count)
    throw new Error('it is not what was written');
  const lastSeqs = new Map<string, number>();
  for (const value of ticks) {
    const known = numbered.safeParse(value);
    if (known.success) lastSeqs.set(known.data.symbol, known.data.seq);
  }
  return lastSeqs;
}
