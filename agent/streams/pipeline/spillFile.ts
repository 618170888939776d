import { mkdirSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../logging.ts';
import type { BufferBudget, Share } from './bufferBudget.ts';
import { SpillSegment } from './spillSegment.ts';
import type { TickRun } from './tickRun.ts';

/** Segments are what is dropped when the disk's part is full: an eighth of an even part, or this. */
const MAX_SEGMENT_BYTES = 256 * 1024;
const SEGMENTS_PER_EVEN_PART = 8;

/** A disk that refused is left alone for that long: a failing write per tick would cost too much. */
const REFUSED_PAUSE_MS = 1_000;

export interface SpillFileOptions {
  /** Of this spill alone. It is made when the first ticks come, and removed at the end. */
  folder: string;
  budget: BufferBudget;
  clock: Clock;
  logger: Logger;
  /** Ticks that were on disk are given up. */
  onDropped: (count: number, why: string) => void;
}

/**
 * Ticks on disk, first in first out, in segment files. Writes are small and go to the page cache.
 */
export class SpillFile {
  /** Ticks on disk. */
  count = 0;
  private readonly segments: SpillSegment[] = [];
  private current: SpillSegment | undefined;
  private made = 0;
  private refusedUntil = -Infinity;
  private readonly share: Share;

  constructor(private readonly options: SpillFileOptions) {
    this.share = options.budget.diskBytes.join(() => this.dropOldest('the disk buffer is full'));
  }

  /** @returns false when it can not be had on disk, and not for a while. Never throws. */
  append(run: TickRun): boolean {
    const { clock, budget } = this.options;
    if (clock.monotonic() < this.refusedUntil) return false;
    const bytes = SpillSegment.bytesOf(run);
    if (!this.share.take(bytes)) {
      return this.refuse(`${bytes} bytes do not fit in ${budget.diskBytes.limit}`);
    }
    for (;;) {
      try {
        this.segmentForAppend().append(run);
        this.count += run.count;
        return true;
      } catch (error) {
        // Then the oldest give their place, as they do when our own limit is reached.
        if (isDiskFull(error) && this.dropOldest('the disk is full') > 0) continue;
        this.share.give(bytes);
        return this.refuse(messageOf(error));
      }
    }
  }

  /** The oldest ticks, at most `maxTicks` or what was appended at once. Never throws. */
  take(maxTicks: number): TickRun | undefined {
    for (let segment = this.segments[0]; segment !== undefined; segment = this.segments[0]) {
      const taken = segment.take(maxTicks);
      if (taken === undefined || segment.count === 0) this.removeFirst(segment);
      if (taken === undefined) continue;
      if ('run' in taken) {
        this.count -= taken.run.count;
        return taken.run;
      }
      this.count -= taken.lost;
      this.options.onDropped(taken.lost, `they can not be read back: ${messageOf(taken.why)}`);
    }
    return undefined;
  }

  /** Removes all of it from the disk, for good. Never throws. */
  end(): void {
    for (const segment of this.segments.splice(0)) attempt(() => segment.remove());
    this.current = undefined;
    this.count = 0;
    this.refusedUntil = Infinity;
    this.share.leave();
    if (this.made > 0) {
      attempt(() => rmSync(this.options.folder, { recursive: true, force: true }));
    }
  }

  /** @returns bytes that came free */
  private dropOldest(why: string): number {
    const segment = this.segments[0];
    if (segment === undefined) return 0;
    const { bytes, count } = segment;
    this.removeFirst(segment);
    this.count -= count;
    this.options.onDropped(count, why);
    return bytes;
  }

  private removeFirst(segment: SpillSegment): void {
    this.segments.shift();
    if (this.current === segment) this.current = undefined;
    this.share.give(segment.bytes);
    attempt(() => segment.remove());
  }

  private segmentForAppend(): SpillSegment {
    const { folder, budget } = this.options;
    const full = Math.min(MAX_SEGMENT_BYTES, budget.diskBytes.evenPart / SEGMENTS_PER_EVEN_PART);
    if (this.current !== undefined && this.current.bytes < full) return this.current;
    this.current?.seal();
    this.current = undefined;
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    this.made += 1;
    this.current = new SpillSegment(path.join(folder, `${this.made}.json`));
    this.segments.push(this.current);
    return this.current;
  }

  private refuse(trouble: string): false {
    const { clock, budget, logger, folder } = this.options;
    this.refusedUntil = clock.monotonic() + REFUSED_PAUSE_MS;
    if (!budget.refusalTold) {
      budget.refusalTold = true;
      logger.error(
        { folder, trouble },
        'the disk takes no ticks: from now on the oldest are dropped when the memory is full',
      );
    }
    return false;
  }
}

function isDiskFull(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** What can not be removed now is removed at the next start, with what a killed agent leaves. */
function attempt(work: () => void): void {
  try {
    work();
  } catch {
    // See above.
  }
}
