import type { Redis } from 'ioredis';
import * as z from 'zod';

const timeAnswer = z.tuple([z.coerce.number().int(), z.coerce.number().int()]);

/** Redis' own clock, in ms since the epoch: the one clock that all hosts share. */
export async function redisNowMs(redis: Redis): Promise<number> {
  const [seconds, micros] = timeAnswer.parse(await redis.time());
  return seconds * 1000 + Math.floor(micros / 1000);
}
