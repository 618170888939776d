import type { Tick } from '../adapters/tick.ts';
import type { ScannedTick } from '../adapters/tickScanner.ts';
import { Connection } from '../connection/connection.ts';
import type { ShardContext } from './shardContext.ts';

/** Who gets what a connection brings. It changes when a connection that was made ahead is put to use. */
export interface ConnectionSink {
  onTicks(ticks: Tick[]): void;
  /** As in `FrameReaderOptions`. Left out: every tick comes as one. */
  onScanned?(tick: ScannedTick, json: Buffer): boolean;
  onRotateWanted(reason: string): void;
  onChange(): void;
}

/** A connection of a shard, with a sink that can be exchanged. */
export interface ShardConnection {
  readonly connection: Connection;
  sink: ConnectionSink;
}

/** Makes a connection for a shard; it is not started yet. */
export function shardConnection(
  shard: number,
  symbols: readonly string[],
  context: ShardContext,
  sink: ConnectionSink,
): ShardConnection {
  const { config, tls, adapter, limits, venue, turnTime, clock, random, logger, timings } = context;
  const made: { sink: ConnectionSink } = { sink };
  const connection = new Connection({
    ...{ shard, url: config.url, tls, adapter, symbols, limits, venue, turnTime, clock },
    ...{
      random,
      logger,
      maxRetries: config.maxRetries,
      ...(timings === undefined ? {} : { timings }),
    },
    onTicks: (ticks) => made.sink.onTicks(ticks),
    onScanned: (tick, json) => made.sink.onScanned?.(tick, json) === true,
    onRotateWanted: (reason) => made.sink.onRotateWanted(reason),
    onChange: () => made.sink.onChange(),
  });
  return Object.assign(made, { connection });
}
