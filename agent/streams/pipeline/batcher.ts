import { fullJitterDelayMs, type BackoffPolicy } from '../../common/backoff.ts';
import { sleep, type Clock, type Timer } from '../../common/clock.ts';
import { messageOf, toInterlockError, type ErrorCode } from '../../common/errors.ts';
import type { Random } from '../../common/random.ts';
import type { Logger } from '../../logging.ts';
import type { Tick } from '../adapters/tick.ts';
import type { BufferBudget } from './bufferBudget.ts';
import { CountedWarning } from './countedWarning.ts';
import { LatestTicks } from './latestTicks.ts';
import { SpillFile } from './spillFile.ts';
import { TickQueue } from './tickQueue.ts';
import type { TickRun, TickSource } from './tickRun.ts';

/** Redis may be back at any moment: ask often, but not in step with every other stream. */
const RETRY_BACKOFF: BackoffPolicy = { baseMs: 100, maxMs: 2_000 };

/** What stays wrong however often it is tried. Everything else is tried again: no tick is given up. */
const FINAL_CODES: ReadonlySet<ErrorCode> = new Set(['payload_invalid', 'not_found', 'conflict']);

/**
 * `firstSeq` and `lastSeq`: running numbers of the ticks, counted from 1 as they arrived. A hole
 * between two batches = dropped. In lite mode they cover the ticks that were replaced as well.
 */
export interface Batch extends TickRun {
  /** 1, 2, 3 … A batch that is tried again keeps its number. */
  n: number;
}

export interface BatcherOptions {
  /** Fewer, where the shards that share the budget are so many that they would fill it. */
  maxTicks: number;
  maxWaitMs: number;
  /** Keeps only the last tick of each symbol in a batch. */
  lite: boolean;
  /** Shared by all batchers of the stream in this agent. */
  budget: BufferBudget;
  /** For what does not fit in memory, of this batcher alone. null: then the oldest are dropped. */
  spillFolder: string | null;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Called with one batch at a time, again after a failure. Must be idempotent per `n`. */
  send: (batch: Batch) => Promise<void>;
  /** Ticks were given up: at once, then at most every 10 s with the sum since, and at the end. */
  onDropped?: (count: number, why: string) => void;
}

/**
 * Makes batches of ticks: full ones at once, others after a short wait. Receiving never waits for
 * sending; one batch is under way at a time, so that batches leave in order. What Redis does not take
 * waits in memory, then on disk, each up to a limit; then the oldest ticks are dropped, and counted.
 */
export class Batcher {
  /** Batches that were sent. */
  batches = 0;
  /** Ticks given up: the buffer was full, the batch was refused, or time ran out at the end. */
  dropped = 0;
  private readonly source: TickSource;
  private oldestAt = 0;
  private inFlight: Promise<void> | undefined;
  private inFlightTicks = 0;
  private timer: Timer | undefined;
  private nextBatch = 1;
  private flushing = false;
  private hasEnded = false;
  private readonly ended = new AbortController();
  private readonly dropWarning: CountedWarning;
  private readonly retryWarning: CountedWarning;

  constructor(private readonly options: BatcherOptions) {
    const { clock, logger } = options;
    this.source = this.makeSource();
    this.dropWarning = new CountedWarning(clock, (count, why) => {
      logger.error({ count, why }, 'ticks dropped');
      options.onDropped?.(count, why);
    });
    this.retryWarning = new CountedWarning(clock, (count, trouble) =>
      logger.warn({ count, trouble, waiting: this.waiting }, 'batch not sent, trying again'),
    );
  }

  /** Ticks that wait, in memory and on disk, or are under way. */
  get waiting(): number {
    return this.source.count + this.inFlightTicks;
  }

  /** Ticks on disk now. */
  get spilled(): number {
    return this.source.spilled;
  }

  /** Lite mode: ticks that a newer one of their symbol replaced before they were sent. */
  get conflated(): number {
    return this.source.conflated;
  }

  /** Never waits for sending and never throws. After the end it does nothing. */
  add(ticks: readonly Tick[]): void {
    if (this.hasEnded || ticks.length === 0) return;
    this.noteArrival();
    this.source.add(ticks);
    this.sendIfDue();
  }

  /** Whether `addJson` may be used. */
  get takesJson(): boolean {
    return this.source.addJson !== undefined;
  }

  /** As `add`, of one tick as it came: see `TickSource`. */
  addJson(symbol: string, feedSeq: number, json: Buffer): void {
    if (this.hasEnded) return;
    this.noteArrival();
    this.source.addJson?.(symbol, feedSeq, json);
    this.sendIfDue();
  }

  /**
   * Sends what is left, without waiting for full batches; then the batcher has ended.
   * @param deadlineMs after that many ms what is left is given up, and counted
   */
  async flush(deadlineMs: number): Promise<void> {
    this.flushing = true;
    const timer = this.options.clock.setTimeout(() => this.abandon('time ran out'), deadlineMs);
    this.sendWhenDue();
    const ended = aborted(this.ended.signal);
    while (this.inFlight !== undefined && !this.hasEnded) {
      await Promise.race([this.inFlight, ended]);
    }
    timer.cancel();
    this.abandon('flushed');
  }

  /**
   * Sends what is there now without waiting for full batches, and lives on.
   * @returns false when some of it could not be sent in time
   */
  async drain(deadlineMs: number): Promise<boolean> {
    const late = new AbortController();
    const timer = this.options.clock.setTimeout(() => late.abort(), deadlineMs);
    const over = Promise.race([aborted(late.signal), aborted(this.ended.signal)]);
    this.flushing = true;
    this.sendWhenDue();
    while (this.inFlight !== undefined && !this.hasEnded && !late.signal.aborted) {
      await Promise.race([this.inFlight, over]);
    }
    timer.cancel();
    this.flushing = false;
    return !this.hasEnded && this.waiting === 0;
  }

  private noteArrival(): void {
    if (this.source.count === 0) this.oldestAt = this.options.clock.monotonic();
  }

  /** For each frame: with a timer running there is nothing to find out. */
  private sendIfDue(): void {
    if (this.timer === undefined || this.source.count >= this.source.fullAt) this.sendWhenDue();
  }

  /** Ends at once: nothing more is sent, what waits is counted as dropped, files are removed. */
  abandon(why: string): void {
    if (this.hasEnded) return;
    const { waiting } = this;
    this.hasEnded = true;
    this.ended.abort();
    this.timer?.cancel();
    this.retryWarning.forget();
    this.source.end();
    this.inFlightTicks = 0;
    if (waiting > 0) this.drop(waiting, `the stream ended: ${why}`);
    this.dropWarning.tell();
  }

  private makeSource(): TickSource {
    const { lite, spillFolder, budget, maxTicks, clock, logger } = this.options;
    const onDropped = (count: number, why: string) => this.drop(count, why);
    if (lite) return new LatestTicks(maxTicks, onDropped);
    const spill =
      spillFolder === null || budget.diskBytes.limit === 0
        ? null
        : new SpillFile({ folder: spillFolder, budget, clock, logger, onDropped });
    return new TickQueue({ budget, spill, maxTicks, onDropped });
  }

  private drop(count: number, why: string): void {
    this.dropped += count;
    this.dropWarning.add(count, why);
  }

  private sendWhenDue(): void {
    if (this.inFlight !== undefined || this.hasEnded || this.source.count === 0) return;
    const { maxWaitMs, clock } = this.options;
    const waitMs = this.oldestAt + maxWaitMs - clock.monotonic();
    if (this.source.count >= this.source.fullAt || waitMs <= 0 || this.flushing) {
      this.timer?.cancel();
      this.timer = undefined;
      this.sendNext();
    } else {
      this.timer ??= clock.setTimeout(() => {
        this.timer = undefined;
        this.sendWhenDue();
      }, waitMs);
    }
  }

  private sendNext(): void {
    const run = this.source.take();
    if (run === undefined) return;
    // The rest arrived later than what leaves now: its wait begins here at the latest.
    this.oldestAt = this.options.clock.monotonic();
    this.inFlightTicks = run.count;
    this.inFlight = this.deliver({ n: this.nextBatch++, ...run }).finally(() => {
      this.inFlight = undefined;
      this.sendWhenDue();
    });
  }

  private async deliver(batch: Batch): Promise<void> {
    const { clock, random, send } = this.options;
    for (let failures = 0; !this.hasEnded; failures += 1) {
      try {
        await send(batch);
        this.settle(batch, null);
        return;
      } catch (thrown) {
        const error = toInterlockError(thrown);
        if (FINAL_CODES.has(error.code)) {
          this.settle(batch, error.message);
          return;
        }
        this.retryWarning.add(1, messageOf(error));
        await sleep(clock, fullJitterDelayMs(RETRY_BACKOFF, failures, random), this.ended.signal);
      }
    }
  }

  /** After the end everything that waited was counted as dropped already. */
  private settle(batch: Batch, refusal: string | null): void {
    if (this.hasEnded) return;
    const count = batch.count;
    this.inFlightTicks = 0;
    this.source.settle(count);
    this.retryWarning.forget();
    if (refusal === null) this.batches += 1;
    else this.drop(count, refusal);
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}
