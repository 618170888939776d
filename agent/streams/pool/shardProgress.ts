import type { Keys } from '../../redis/keys.ts';
import type { RedisClient } from '../../redis/redisClient.ts';
import { shardLease } from './shardLease.ts';

/**
 * How far the holders of a shard have come: the last number of each symbol that was enqueued. It is
 * written in the script that enqueues a batch, so it is exact, whenever a holder is killed.
 */
export class ShardProgress {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  keyOf(stream: string, shard: number): string {
    return this.keys.streamProgress(shardLease(stream, shard));
  }

  /** @throws when Redis is away */
  async read(stream: string, shard: number): Promise<Record<string, number>> {
    const hash = await this.redis.hgetall(this.keyOf(stream, shard));
    const numbers = Object.entries(hash).map(([symbol, seq]) => [symbol, Number(seq)] as const);
    return Object.fromEntries(numbers.filter(([, seq]) => Number.isSafeInteger(seq)));
  }

  /** The id of the job of the last batch; undefined when there is none. @throws when Redis is away */
  async lastBatch(stream: string, shard: number): Promise<string | undefined> {
    return (await this.redis.hget(this.keyOf(stream, shard), '')) ?? undefined;
  }

  /** The shard was stopped in order: what comes until it runs again is not missing. Never rejects. */
  async forget(stream: string, shard: number): Promise<void> {
    await this.redis.del(this.keyOf(stream, shard)).catch(() => undefined);
  }
}
