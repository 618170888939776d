import type { RedisClient } from '../../agent/redis/redisClient.ts';
import { RedisCluster } from './redisCluster.ts';
import { RedisSentinel } from './redisSentinel.ts';
import { RedisServer } from './redisServer.ts';

/** A real Redis of a suite's own, of whatever kind. */
export interface TestRedis {
  /** For `redis.url` of a config, or REDIS_URL. */
  readonly url: string;
  /** Of all keys: on a Cluster it carries a hash tag. */
  readonly prefix: string;
  /** A connection that is closed with it. */
  client(): RedisClient;
  /** Removes every key. */
  flush(): Promise<void>;
  /** Ends it and removes its data. */
  stop(): Promise<void>;
}

/**
 * Starts the kind that INTERLOCK_TEST_REDIS names: `cluster`, `sentinel`, or left out: one server.
 * @throws Error for another kind
 */
export async function startTestRedis(): Promise<TestRedis> {
  const kind = process.env['INTERLOCK_TEST_REDIS'] ?? '';
  switch (kind) {
    case '':
      return RedisServer.start();
    case 'cluster':
      return RedisCluster.start();
    case 'sentinel':
      return RedisSentinel.start();
    default:
      throw new Error(`INTERLOCK_TEST_REDIS=${kind}: write cluster or sentinel`);
  }
}
