import type { Clock, Timer } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Logger } from '../../logging.ts';
import type { Holder } from '../../protocol/decision.ts';
import type { ManagedStream } from './managedStream.ts';
import type { OwnEntry } from './registryEntry.ts';
import type { ShardRun } from './shardRun.ts';
import type { StreamRegistry } from './streamRegistry.ts';
import { connectionRow, streamRow } from './streamRow.ts';

/** How often it is looked what has to be written. */
const LOOK_EVERY_MS = 500;
/** Figures that other agents show are not older than that, however seldom the heartbeat is. */
const FIGURES_EVERY_MS = 5_000;

export interface RegistryBeatOptions {
  registry: StreamRegistry;
  clock: Clock;
  logger: Logger;
  holder: Holder;
  streams: () => Iterable<ManagedStream>;
}

interface Written {
  fence: number;
  status: string;
}

interface Beat {
  beatAt: number;
  loggedAt: number;
  written: Map<number, Written>;
}

/** Writes what this agent's shards do into the registry: a change soon, the rest with each heartbeat. */
export class RegistryBeat {
  private readonly beats = new Map<ManagedStream, Beat>();
  private timer: Timer | undefined;
  private closed = false;

  constructor(private readonly options: RegistryBeatOptions) {}

  start(): void {
    void this.look();
  }

  /** Removes the entries of this agent that are left. Never rejects. */
  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    const { registry } = this.options;
    const left = [...this.beats].map(([{ name }, { written }]) =>
      registry.remove(name, ownOf(written)).catch(() => undefined),
    );
    await Promise.all(left);
  }

  private async look(): Promise<void> {
    for (const stream of this.options.streams()) {
      if (this.closed) return;
      this.monitor(stream);
      await this.beat(stream).catch((error: unknown) => {
        const why = messageOf(error);
        this.options.logger.debug({ stream: stream.name, why }, 'registry not written');
      });
    }
    if (this.closed) return;
    this.timer = this.options.clock.setTimeout(() => void this.look(), LOOK_EVERY_MS);
  }

  private async beat(stream: ManagedStream): Promise<void> {
    const { registry, clock } = this.options;
    const beat = this.beatOf(stream);
    const now = clock.monotonic();
    const { heartbeat, expireAfter } = stream.config;
    const isDue = now - beat.beatAt >= Math.min(heartbeat, FIGURES_EVERY_MS);
    const runs = [...stream.runs.values()].filter(({ lease }) => !lease.signal.aborted);
    const changed = isDue ? runs : runs.filter((run) => hasChanged(run, beat));
    if (changed.length > 0) {
      const entries = changed.map((run) => this.entryOf(stream, run));
      if (isDue) beat.beatAt = now;
      await registry.write(stream.name, entries, expireAfter);
      for (const { shard, fence, status } of entries) beat.written.set(shard, { fence, status });
    }
    const ended = [...beat.written].filter(([shard, { fence }]) => {
      const run = stream.runs.get(shard);
      return run === undefined || run.lease.fence !== fence;
    });
    if (ended.length === 0) return;
    await registry.remove(stream.name, ownOf(new Map(ended)));
    for (const [shard] of ended) beat.written.delete(shard);
  }

  /** The figures of its connections, from time to time, in the log. */
  private monitor(stream: ManagedStream): void {
    const { clock, logger, holder } = this.options;
    const beat = this.beatOf(stream);
    const now = clock.monotonic();
    if (stream.runs.size === 0 || now - beat.loggedAt < stream.config.monitorInterval) return;
    beat.loggedAt = now;
    const row = streamRow(stream, holder, clock.now());
    const { connected, totalMessages, totalErrors, totalGaps, totalDropped } = row;
    logger.info(
      {
        ...{ stream: stream.name, connected: `${connected}/${row.connections.length}` },
        ...{ totalMessages, totalErrors, totalGaps, totalDropped },
      },
      'connection status',
    );
  }

  private beatOf(stream: ManagedStream): Beat {
    const now = this.options.clock.monotonic();
    const beat = this.beats.get(stream) ?? { beatAt: -Infinity, loggedAt: now, written: new Map() };
    this.beats.set(stream, beat);
    return beat;
  }

  private entryOf(stream: ManagedStream, { shard, lease }: ShardRun): OwnEntry {
    const { holder, clock } = this.options;
    const row = connectionRow(stream, shard, holder, clock.now());
    return {
      ...{ shard, holder, fence: lease.fence, startedAtMs: lease.acquiredAtMs },
      ...{ status: row.state, row: { ...row, symbols: [] } },
    };
  }
}

function hasChanged(run: ShardRun, { written }: Beat): boolean {
  const last = written.get(run.shard);
  return last?.fence !== run.lease.fence || last.status !== run.state;
}

function ownOf(written: ReadonlyMap<number, Written>): { shard: number; fence: number }[] {
  return [...written].map(([shard, { fence }]) => ({ shard, fence }));
}
