import { fullJitterDelayMs, type BackoffPolicy } from '../common/backoff.ts';
import { sleep, type Clock, type Timer } from '../common/clock.ts';
import { messageOf, toInterlockError, type ErrorCode } from '../common/errors.ts';
import type { Random } from '../common/random.ts';
import type { Logger } from '../logging.ts';
import { CountedWarning } from './countedWarning.ts';
import type { Tick } from './tick.ts';

/** What waits for a slow or absent Redis; at 1,000 ticks/s that is 100 s. Then the oldest go. */
export const MAX_BUFFERED_TICKS = 100_000;

/** Redis may be back at any moment: ask often, but not in step with every other stream. */
const RETRY_BACKOFF: BackoffPolicy = { baseMs: 100, maxMs: 2_000 };

/** What stays wrong however often it is tried. Everything else is tried again: no tick is given up. */
const FINAL_CODES: ReadonlySet<ErrorCode> = new Set([
  'payload_invalid',
  'not_found',
  'conflict',
  'lease_lost',
]);

export interface Batch {
  /** 1, 2, 3 … A batch that is tried again keeps its number. */
  n: number;
  /** Running numbers of the first and last tick, counted from 1 as they arrived. A hole = dropped. */
  firstSeq: number;
  lastSeq: number;
  ticks: Tick[];
}

export interface BatcherOptions {
  maxTicks: number;
  maxWaitMs: number;
  maxBufferedTicks?: number;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Called with one batch at a time, again after a failure. Must be idempotent per `n`. */
  send: (batch: Batch) => Promise<void>;
}

/**
 * Makes batches of ticks: full ones at once, others after a short wait. Receiving never waits for
 * sending; one batch is under way at a time, so that batches leave in order.
 */
export class Batcher {
  /** Batches that were sent. */
  batches = 0;
  /** Ticks given up: the buffer was full, the batch was refused, or time ran out at the end. */
  dropped = 0;
  private buffer: Tick[] = [];
  /** Where the buffer begins: what lies before has left. */
  private head = 0;
  private arrived = 0;
  private oldestAt = 0;
  private inFlight: Promise<void> | undefined;
  private inFlightTicks = 0;
  private timer: Timer | undefined;
  private nextBatch = 1;
  private flushing = false;
  private readonly ended = new AbortController();
  private readonly overflowWarning: CountedWarning;
  private readonly retryWarning: CountedWarning;

  constructor(private readonly options: BatcherOptions) {
    const { clock, logger } = options;
    this.overflowWarning = new CountedWarning(clock, (count) =>
      logger.error({ count }, 'ticks dropped: the buffer is full, because batches can not be sent'),
    );
    this.retryWarning = new CountedWarning(clock, (count, trouble) =>
      logger.warn({ count, trouble, waiting: this.waiting }, 'batch not sent, trying again'),
    );
  }

  /** Ticks that wait or are under way. */
  get waiting(): number {
    return this.buffered + this.inFlightTicks;
  }

  /** Never waits and never throws. After the end it does nothing. */
  add(ticks: readonly Tick[]): void {
    if (this.hasEnded || ticks.length === 0) return;
    if (this.buffered === 0) this.oldestAt = this.options.clock.monotonic();
    for (const tick of ticks) this.buffer.push(tick);
    this.arrived += ticks.length;
    this.dropOverflow();
    this.sendWhenDue();
  }

  /**
   * Sends what is left, without waiting for full batches; then the batcher has ended.
   * @param deadlineMs after that many ms what is left is given up, and counted
   */
  async flush(deadlineMs: number): Promise<void> {
    this.flushing = true;
    const timer = this.options.clock.setTimeout(() => this.abandon('time ran out'), deadlineMs);
    this.sendWhenDue();
    while (this.inFlight !== undefined && !this.hasEnded) {
      await Promise.race([this.inFlight, aborted(this.ended.signal)]);
    }
    timer.cancel();
    this.abandon('flushed');
  }

  /** Ends at once: nothing more is sent, and what waits is counted as dropped. */
  abandon(why: string): void {
    if (this.hasEnded) return;
    this.ended.abort();
    this.timer?.cancel();
    const count = this.waiting;
    this.dropped += count;
    this.buffer = [];
    this.head = 0;
    this.inFlightTicks = 0;
    if (count > 0) this.options.logger.error({ count, why }, 'ticks dropped: the stream ended');
  }

  private get hasEnded(): boolean {
    return this.ended.signal.aborted;
  }

  private get buffered(): number {
    return this.buffer.length - this.head;
  }

  private dropOverflow(): void {
    const excess = this.buffered - (this.options.maxBufferedTicks ?? MAX_BUFFERED_TICKS);
    if (excess <= 0) return;
    this.take(excess);
    this.dropped += excess;
    this.overflowWarning.add(excess);
  }

  private take(count: number): Tick[] {
    const taken = this.buffer.slice(this.head, this.head + count);
    this.head += taken.length;
    // Moving the rest each time would make a full buffer slow; half of it at a time does not.
    if (this.head * 2 >= this.buffer.length) {
      this.buffer = this.buffer.slice(this.head);
      this.head = 0;
    }
    return taken;
  }

  private sendWhenDue(): void {
    if (this.inFlight !== undefined || this.hasEnded || this.buffered === 0) return;
    const { maxTicks, maxWaitMs, clock } = this.options;
    const waitMs = this.oldestAt + maxWaitMs - clock.monotonic();
    if (this.buffered >= maxTicks || waitMs <= 0 || this.flushing) {
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
    const firstSeq = this.arrived - this.buffered + 1;
    const ticks = this.take(this.options.maxTicks);
    const lastSeq = firstSeq + ticks.length - 1;
    // The rest arrived later than what leaves now: its wait begins here at the latest.
    this.oldestAt = this.options.clock.monotonic();
    this.inFlightTicks = ticks.length;
    this.inFlight = this.deliver({ n: this.nextBatch++, firstSeq, lastSeq, ticks }).finally(() => {
      this.inFlight = undefined;
      this.inFlightTicks = 0;
      this.sendWhenDue();
    });
  }

  private async deliver(batch: Batch): Promise<void> {
    const { clock, random, logger, send } = this.options;
    for (let failures = 0; !this.hasEnded; failures += 1) {
      try {
        await send(batch);
        this.settle(batch, true);
        return;
      } catch (thrown) {
        const error = toInterlockError(thrown);
        if (FINAL_CODES.has(error.code)) {
          this.settle(batch, false);
          logger.error({ count: batch.ticks.length, trouble: error.message }, 'ticks dropped');
          return;
        }
        this.retryWarning.add(1, messageOf(error));
        await sleep(clock, fullJitterDelayMs(RETRY_BACKOFF, failures, random), this.ended.signal);
      }
    }
  }

  /** After the end everything that waited was counted as dropped already. */
  private settle(batch: Batch, sent: boolean): void {
    if (this.hasEnded) return;
    if (sent) this.batches += 1;
    else this.dropped += batch.ticks.length;
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) =>
    signal.addEventListener('abort', () => resolve(), { once: true }),
  );
}
