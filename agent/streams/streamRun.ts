import type { Clock } from '../common/clock.ts';
import type { Random } from '../common/random.ts';
import type { StreamConfig } from '../config/schema.ts';
import type { Enqueuing } from '../jobs/enqueuing.ts';
import type { Lease } from '../leases/lease.ts';
import type { Logger } from '../logging.ts';
import type { ConnectionRow } from '../protocol/model.ts';
import type { StreamAdapter } from './adapter.ts';
import { batchSender } from './batchSender.ts';
import { Batcher } from './batcher.ts';
import { Connection } from './connection.ts';
import type { ConnectionTimings } from './connectionState.ts';

export interface StreamRunOptions {
  name: string;
  config: StreamConfig;
  lease: Lease;
  adapter: StreamAdapter;
  enqueuing: Enqueuing;
  clock: Clock;
  random: Random;
  logger: Logger;
  timings?: ConnectionTimings;
  onChange(): void;
}

/** A stream while this agent holds its lease: one connection whose ticks become batches. */
export class StreamRun {
  readonly lease: Lease;
  private readonly connection: Connection;
  private readonly batcher: Batcher;

  constructor(options: StreamRunOptions) {
    const { name, config, lease, enqueuing, clock, random, logger } = options;
    this.lease = lease;
    this.batcher = new Batcher({
      maxTicks: config.batch.maxTicks,
      maxWaitMs: config.batch.maxWait,
      send: batchSender(name, config.job, lease, enqueuing),
      ...{ clock, random, logger },
    });
    this.connection = new Connection({
      shard: 0,
      url: config.url,
      symbols: config.symbols,
      adapter: options.adapter,
      maxRetries: config.maxRetries,
      ...(options.timings === undefined ? {} : { timings: options.timings }),
      ...{ clock, random, logger },
      onTicks: (ticks) => this.batcher.add(ticks),
      onChange: () => options.onChange(),
    });
    this.connection.start();
  }

  get batches(): number {
    return this.batcher.batches;
  }

  connections(): ConnectionRow[] {
    const row = this.connection.row();
    const { dropped } = this.batcher;
    if (row.trouble !== null || dropped === 0) return [row];
    return [{ ...row, trouble: `${dropped} ticks dropped: they could not be enqueued in time.` }];
  }

  /**
   * Unsubscribes, sends what is left, and gives the lease free: whoever takes it next begins after us.
   * @param deadlineMs for what is left of the ticks
   */
  async stop(deadlineMs: number): Promise<void> {
    this.connection.stop(true);
    await this.batcher.flush(deadlineMs);
    await this.lease.release();
  }

  /** The lease is lost: another agent may run the stream already, so nothing more may leave. */
  abandon(): void {
    this.connection.stop(false);
    this.batcher.abandon('the lease is lost');
  }
}
