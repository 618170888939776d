import * as z from 'zod';
import { slotJobId } from '../jobs/jobId.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { LastSlot } from './scheduleState.ts';

const jobTimes = z.tuple([z.coerce.number(), z.coerce.number().nullable()]);

/**
 * How long the jobs of a schedule's last slots ran, in ms, oldest first. Of one that still runs, how
 * long it is since its slot. Begin and end are of the clock of one host, so no difference of clocks
 * is in it.
 * @param slots newest first
 * @param nowMs Redis' time
 */
export async function readRunTimes(
  { redis, keys }: { redis: RedisClient; keys: Keys },
  schedule: string,
  queue: string,
  slots: readonly LastSlot[],
  nowMs: number,
): Promise<number[]> {
  const accepted = slots.filter(({ outcome }) => outcome === 'accepted').toReversed();
  const times = await Promise.all(
    accepted.map(async ({ slot }) => {
      const job = keys.job(queue, slotJobId(schedule, slot));
      const [began, ended] = await redis.hmget(job, 'processedOn', 'finishedOn');
      if (began === null || began === undefined) return [];
      const parsed = jobTimes.safeParse([began, ended ?? null]);
      if (!parsed.success) return [];
      const [beganMs, endedMs] = parsed.data;
      return [Math.max(0, endedMs === null ? nowMs - slot : endedMs - beganMs)];
    }),
  );
  return times.flat();
}
