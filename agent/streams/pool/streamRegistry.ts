import * as z from 'zod';
import type { Clock } from '../../common/clock.ts';
import { InterlockError, messageOf } from '../../common/errors.ts';
import type { Logger } from '../../logging.ts';
import type { Holder } from '../../protocol/decision.ts';
import type { Keys } from '../../redis/keys.ts';
import type { RedisClient } from '../../redis/redisClient.ts';
import type { Scripts } from '../../redis/scripts.ts';
import { isHolderAlive } from '../../state/processIdentity.ts';
import { CountedWarning } from '../pipeline/countedWarning.ts';
import { entryText, readEntry, type OwnEntry, type RegistryEntry } from './registryEntry.ts';
import { shardLease } from './shardLease.ts';

/** Entries that are written in one script: Redis does nothing else meanwhile, for about 1 ms. */
const CHUNK = 100;

const shardNumbers = z.array(z.number().int());

export interface StreamRegistryOptions {
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  clock: Clock;
  logger: Logger;
}

/**
 * What every agent knows of every shard: a Redis hash for each stream. Only the holder of a shard's lease
 * writes its entry; the script that writes checks it.
 */
export class StreamRegistry {
  private readonly brokenWarning: CountedWarning;

  constructor(private readonly options: StreamRegistryOptions) {
    const { clock, logger } = options;
    this.brokenWarning = new CountedWarning(clock, (count, entry) =>
      logger.warn({ count, entry }, 'entries of the stream registry that can not be read'),
    );
  }

  /**
   * Writes entries with a heartbeat of now.
   * @param expireAfterMs without a further write of any shard, all entries of the stream end
   * @returns the shards that are not the writer's any more: their lease is gone or another's
   * @throws InterlockError `redis_unreachable`
   */
  async write(
    stream: string,
    entries: readonly OwnEntry[],
    expireAfterMs: number,
  ): Promise<number[]> {
    const refused: number[] = [];
    for (const chunk of chunksOf(entries)) {
      const args = chunk.flatMap((entry) => [entry.shard, entry.fence, entryText(entry)]);
      const shards = chunk.map(({ shard }) => shard);
      const answer = await this.options.scripts
        .run('writeStreamEntries', this.keysOf(stream, shards), [expireAfterMs, ...args])
        .catch(explain(stream, 'written'));
      refused.push(...shardNumbers.parse(answer));
    }
    return refused;
  }

  /**
   * Removes entries of shards that end here: those of another holder stay.
   * @throws InterlockError `redis_unreachable`
   */
  async remove(stream: string, own: readonly { shard: number; fence: number }[]): Promise<void> {
    const { scripts, keys } = this.options;
    for (const chunk of chunksOf(own)) {
      const args = chunk.flatMap(({ shard, fence }) => [shard, fence]);
      await scripts
        .run('removeStreamEntries', [keys.streamEntries(stream)], args)
        .catch(explain(stream, 'written'));
    }
  }

  /**
   * Removes those of these entries that nobody keeps up. Age alone is no proof before the entry ends:
   * the lease must be gone or another's. That is checked again in the script.
   * @returns the shards whose entries were removed
   * @throws InterlockError `redis_unreachable`
   */
  async removeStale(
    stream: string,
    shards: readonly number[],
    { staleAfterMs, expireAfterMs }: { staleAfterMs: number; expireAfterMs: number },
  ): Promise<number[]> {
    const removed: number[] = [];
    for (const chunk of chunksOf(shards)) {
      const args = [staleAfterMs, expireAfterMs, ...chunk];
      const answer = await this.options.scripts
        .run('removeStaleStreamEntries', this.keysOf(stream, chunk), args)
        .catch(explain(stream, 'written'));
      removed.push(...shardNumbers.parse(answer));
    }
    return removed;
  }

  /**
   * The entries of a stream that can be read, by shard. Whether its holder lives is as it can be told
   * from here; `asOf` of its row is the time of its heartbeat.
   * @param shards left out: all
   * @throws InterlockError `redis_unreachable`
   */
  async read(stream: string, shards?: readonly number[]): Promise<Map<number, RegistryEntry>> {
    const texts = await this.texts(stream, shards).catch(explain(stream, 'read'));
    const withLife = lifeReader();
    const entries = new Map<number, RegistryEntry>();
    for (const [shard, text] of texts) {
      const entry = readEntry(shard, text);
      if (entry === undefined) this.brokenWarning.add(1, `${stream}/${shard}`);
      else entries.set(entry.shard, asSeenFromHere(entry, withLife));
    }
    return entries;
  }

  private async texts(
    stream: string,
    shards: readonly number[] | undefined,
  ): Promise<[string, string][]> {
    const { redis, keys } = this.options;
    const key = keys.streamEntries(stream);
    if (shards === undefined) return Object.entries(await redis.hgetall(key));
    if (shards.length === 0) return [];
    const texts = await redis.hmget(key, ...shards.map(String));
    return shards.flatMap((shard, index): [string, string][] => {
      const text = texts[index] ?? null;
      return text === null ? [] : [[String(shard), text]];
    });
  }

  private keysOf(stream: string, shards: readonly number[]): string[] {
    const { keys } = this.options;
    const leases = shards.map((shard) => keys.lease(shardLease(stream, shard)));
    return [keys.streamEntries(stream), ...leases];
  }
}

function* chunksOf<T>(all: readonly T[]): Generator<readonly T[]> {
  for (let from = 0; from < all.length; from += CHUNK) yield all.slice(from, from + CHUNK);
}

/** Asks once for each agent: it holds many shards, and to ask whether it lives costs system calls. */
function lifeReader(): (holder: Holder) => Holder {
  const known = new Map<string, Holder>();
  return (holder) => {
    const id = `${holder.hostId}/${holder.pid}/${holder.processStart ?? ''}/${holder.agentId}`;
    const seen = known.get(id) ?? { ...holder, alive: isHolderAlive(holder) };
    known.set(id, seen);
    return seen;
  };
}

function asSeenFromHere(entry: RegistryEntry, withLife: (holder: Holder) => Holder): RegistryEntry {
  const holder = withLife(entry.holder);
  const asOf = new Date(entry.heartbeatMs).toISOString();
  return { ...entry, holder, row: { ...entry.row, holder, asOf } };
}

function explain(stream: string, what: 'read' | 'written'): (error: unknown) => never {
  return (error) => {
    throw new InterlockError({
      code: 'redis_unreachable',
      message: `The registry of the stream "${stream}" can not be ${what} in Redis: ${messageOf(error)}.`,
      remedy: 'Check that Redis runs ("interlock doctor"), then try again.',
      cause: error,
    });
  };
}
