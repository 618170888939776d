import type { Clock } from '../common/clock.ts';
import type { LockRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { ttlField } from '../redis/redisFields.ts';
import { KeyScan } from './keyScan.ts';

/** Keys that other programs use as locks: `locks.watch` of the config. */
export class WatchedLocks {
  private readonly scans: KeyScan[];

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    patterns: string[],
    clock: Clock,
  ) {
    this.scans = patterns.map((pattern) => new KeyScan(redis, pattern, clock));
  }

  /** @param maxAgeMs how old the last look through all keys may be */
  async read(maxAgeMs: number): Promise<LockRow[]> {
    const found = await Promise.all(this.scans.map((scan) => scan.keys(maxAgeMs)));
    // What lies below our prefix is no foreign lock, however wide the pattern.
    const own = `${this.keys.prefix}:`;
    const names = [...new Set(found.flatMap((keys) => [...keys]))].filter(
      (key) => !key.startsWith(own),
    );
    // One by one: on a Cluster they are in many slots, and a pipeline must be for one server.
    const answers = await Promise.all(names.map((key) => this.redis.pttl(key)));
    return names.flatMap((key, index) => {
      const ttlMs = ttlField.parse(answers[index]);
      return ttlMs === -2 ? [] : [toRow(key, ttlMs)];
    });
  }
}

/** Its value says nothing that can be relied on, and may be a secret: it is not read. */
function toRow(key: string, ttlMs: number): LockRow {
  return {
    ...{ name: `watched:${key}`, kind: 'watched', subject: key, job: null, holder: null },
    ...{ fence: null, acquiredAt: null, renewedAt: null, ageMs: null },
    ttlMs: ttlMs < 0 ? null : ttlMs,
    state: 'held',
  };
}
