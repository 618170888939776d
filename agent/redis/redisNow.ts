import * as z from 'zod';
import { SlotCluster, type RedisClient } from './redisClient.ts';
import { Scripts } from './scripts.ts';

const timeAnswer = z.tuple([z.coerce.number().int(), z.coerce.number().int()]);

/**
 * Redis' own clock, in ms since the epoch: the one clock that all hosts share. On a Cluster it is that
 * of the server that has our keys, which our scripts go by.
 */
export async function redisNowMs(redis: RedisClient): Promise<number> {
  const answer =
    redis instanceof SlotCluster
      ? await new Scripts(redis).run('readTime', [redis.slotKey], [])
      : await redis.time();
  const [seconds, micros] = timeAnswer.parse(answer);
  return seconds * 1000 + Math.floor(micros / 1000);
}
