import { randomUUID } from 'node:crypto';
import type { Timer } from '../../common/clock.ts';
import type { Tick } from '../adapters/tick.ts';
import { shardConnection, type ShardConnection } from './shardConnection.ts';
import type { ShardContext } from './shardContext.ts';

/** It is live and handed over by then, or it is given up. */
const GIVE_UP_AFTER_MS = 10_000;
/** A handover takes a fraction of a second; more than that is not kept. */
const MAX_CHUNKS = 50_000;
/** How long news of a handover may take: ticks without numbers that came before are the old holder's. */
const NEWS_DELAY_MS = 50;

interface Chunk {
  atMs: number;
  ticks: Tick[];
}

/**
 * The second connection of a shard that is being handed over to this agent: it is live before the
 * old one closes. What it brings is kept until the shard is ours.
 */
export class Standby {
  /** By which the lease will be ours. */
  readonly token = randomUUID();
  private readonly made: ShardConnection;
  private chunks: Chunk[] = [];
  private timer: Timer | undefined;
  private told = false;

  constructor(
    readonly shard: number,
    symbols: readonly string[],
    private readonly context: ShardContext,
    private readonly events: { onReady: () => void; onGaveUp: (why: string) => void },
  ) {
    this.made = shardConnection(shard, symbols, context, {
      onTicks: (ticks) => this.keep(ticks),
      onRotateWanted: () => undefined,
      onChange: () => this.onChange(),
    });
  }

  start(): void {
    const { connection } = this.made;
    this.timer = this.context.clock.setTimeout(
      () => this.events.onGaveUp(connection.row().trouble ?? 'It was not handed over in time.'),
      GIVE_UP_AFTER_MS,
    );
    connection.start();
  }

  /** The connection, for the shard that is ours now. */
  takeUp(): ShardConnection {
    this.timer?.cancel();
    return this.made;
  }

  /**
   * What came meanwhile, without what the old holder has surely sent: ticks with numbers are told
   * apart by them, the others by their time.
   * @param heldBackMs for how long the old holder had not forwarded anything
   */
  kept(heldBackMs: number): Tick[][] {
    const sinceMs = this.context.clock.monotonic() - heldBackMs - NEWS_DELAY_MS;
    const kept = this.chunks.map(({ atMs, ticks }) =>
      atMs >= sinceMs ? ticks : ticks.filter(({ seq }) => seq !== undefined),
    );
    this.chunks = [];
    return kept.filter((ticks) => ticks.length > 0);
  }

  cancel(): void {
    this.timer?.cancel();
    this.chunks = [];
    this.made.connection.stop(false);
  }

  private keep(ticks: Tick[]): void {
    this.chunks.push({ atMs: this.context.clock.monotonic(), ticks });
    if (this.chunks.length > MAX_CHUNKS) this.chunks.shift();
  }

  private onChange(): void {
    const { connection } = this.made;
    if (connection.row().state === 'suspended' || connection.waitsForPlace) {
      this.events.onGaveUp(connection.row().trouble ?? 'It is suspended.');
    } else if (connection.isSettled && !this.told) {
      this.told = true;
      this.events.onReady();
    }
  }
}
