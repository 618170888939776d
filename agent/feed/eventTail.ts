import { Cluster } from 'ioredis';
import * as z from 'zod';
import { sleep, type Clock } from '../common/clock.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { streamEntry, type StreamEntry } from '../redis/streamEntry.ts';

/** A read waits that long for news; closing cuts it short. */
const BLOCK_MS = 5_000;
const RETRY_DELAY_MS = 500;
const MAX_ENTRIES_PER_READ = 1_000;

const answerSchema = z.array(z.tuple([z.string(), z.array(streamEntry)])).nullable();

/** Follows several Redis streams over one connection, from now on. */
export class EventTail {
  /** Ids, never "$": that would leave out what comes between two reads. */
  private readonly positions = new Map<string, string>();
  private readonly stopping = new AbortController();
  private readonly streams: string[];
  private interrupted = false;

  constructor(
    private readonly redis: RedisClient,
    streams: string[],
    private readonly clock: Clock,
    /** Told without entries when some may have been missed. */
    private readonly onNews: (stream: string, entries: readonly StreamEntry[]) => void,
  ) {
    this.streams = [...streams];
  }

  start(): void {
    const { redis } = this;
    // A Cluster goes on with another server: it is there when a read is answered again.
    if (redis instanceof Cluster) redis.on('-node', () => (this.interrupted = true));
    else redis.once('close', () => redis.on('ready', () => this.tellAll()));
    void this.follow();
  }

  /**
   * Follows one more stream, from the next read on: the present one may take seconds.
   * @param after id of the entry from which on all is news; left out: what came until the next read
   *   is told without its entries
   */
  add(stream: string, after?: string): void {
    if (this.streams.includes(stream)) return;
    this.streams.push(stream);
    if (after !== undefined) this.positions.set(stream, after);
  }

  close(): void {
    this.stopping.abort();
    this.redis.disconnect();
  }

  private async follow(): Promise<void> {
    while (!this.stopping.signal.aborted) {
      try {
        if (this.positions.size < this.streams.length) await this.findPositions();
        await this.read();
      } catch {
        // Redis is away: ioredis reconnects.
        await sleep(this.clock, RETRY_DELAY_MS, this.stopping.signal);
      }
    }
  }

  /** A Redis that was away may come back without its last second: everything counts as news. */
  private tellAll(): void {
    for (const stream of this.streams) this.onNews(stream, []);
  }

  private async findPositions(): Promise<void> {
    const isLate = this.positions.size > 0;
    const streams = this.streams.filter((stream) => !this.positions.has(stream));
    const found = await Promise.all(streams.map((stream) => lastEntryId(this.redis, stream)));
    for (const [index, stream] of streams.entries()) {
      this.positions.set(stream, found[index] ?? '0-0');
      // What came between adding it and now was not seen.
      if (isLate) this.onNews(stream, []);
    }
  }

  private async read(): Promise<void> {
    const streams = [...this.positions.keys()];
    const answer = answerSchema.parse(
      await this.redis.xread(
        ...(['COUNT', MAX_ENTRIES_PER_READ, 'BLOCK', BLOCK_MS, 'STREAMS'] as const),
        ...streams,
        ...this.positions.values(),
      ),
    );
    if (this.interrupted) {
      this.interrupted = false;
      this.tellAll();
    }
    for (const [stream, entries] of answer ?? []) {
      const last = entries.at(-1)?.[0];
      if (last === undefined) continue;
      this.positions.set(stream, last);
      this.onNews(stream, entries);
    }
  }
}

/** The id of the newest entry of a stream; `0-0` when it has none. */
export async function lastEntryId(redis: RedisClient, stream: string): Promise<string> {
  const [newest] = await redis.xrevrange(stream, '+', '-', 'COUNT', 1);
  return newest?.[0] ?? '0-0';
}
