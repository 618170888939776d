import type { StreamConfig } from '../../config/schema.ts';
import type { StreamRow } from '../../protocol/model.ts';
import { ManagedStream, type StreamEvents } from './managedStream.ts';
import { PoolReader, type PoolReaderOptions } from './poolReader.ts';
import type { StreamContext } from './streamContext.ts';
import { streamRow } from './streamRow.ts';

export interface StreamLookOptions extends StreamContext, PoolReaderOptions {
  streams: Record<string, StreamConfig>;
}

/** Nothing of them runs here, so nothing happens to them here. */
const NO_EVENTS: StreamEvents = {
  onChange: () => undefined,
  onTakeover: () => undefined,
  onGaps: () => undefined,
  onDropped: () => undefined,
};

/** The streams of the config for an agent that runs none: what the other agents do with them. */
export class StreamLook {
  private readonly streams: readonly ManagedStream[];
  private readonly reader: PoolReader;

  constructor(private readonly options: StreamLookOptions) {
    this.streams = Object.entries(options.streams).map(
      ([name, config]) => new ManagedStream(name, config, options, NO_EVENTS),
    );
    this.reader = new PoolReader(options);
  }

  /** @throws InterlockError `redis_unreachable` */
  async rows(): Promise<StreamRow[]> {
    if (this.streams.length === 0) return [];
    const { wanted } = await this.reader.look(this.streams);
    const { holder, clock } = this.options;
    return this.streams.map((stream) => {
      stream.wanted = wanted[stream.name] ?? 'running';
      return streamRow(stream, holder, clock.now());
    });
  }
}
