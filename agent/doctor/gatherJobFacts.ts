import { sleep, type Clock } from '../common/clock.ts';
import { ageThresholdsOf } from '../config/ageThresholds.ts';
import type { Config } from '../config/schema.ts';
import { readActiveJobs, type ActiveJob } from '../reaper/activeJob.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { StuckJob } from './facts.ts';

/** A live agent gives a job without a lock back within half a second. */
const LOOK_AGAIN_MS = 1_000;

/** Runs of these queues that nobody will end, or that go on for very long. */
export async function gatherStuckJobs(
  sources: { redis: RedisClient; scripts: Scripts; keys: Keys; clock: Clock; config: Config },
  queues: readonly string[],
): Promise<StuckJob[]> {
  const { redis, scripts, keys, clock, config } = sources;
  const read = async () =>
    (await Promise.all(queues.map((queue) => readActiveJobs(scripts, keys, queue)))).flat();
  const first = await read();
  const [nowMs, unlocked] = await Promise.all([
    redisNowMs(redis),
    first.some(isWithoutLock) ? stayingUnlocked(first, read, clock) : new Set<string>(),
  ]);
  const { jobEmergencyMs } = ageThresholdsOf(config);
  return first.flatMap((job) => {
    const { queue, id, type, startedAtMs } = job;
    const runningForMs = startedAtMs === null ? null : Math.max(0, nowMs - startedAtMs);
    const facts = { queue, id, type, runningForMs };
    if (unlocked.has(keyOf(job))) return { ...facts, why: 'no_lock' as const };
    // What lost its lock a moment ago is taken over by somebody.
    if (isWithoutLock(job) || (runningForMs ?? 0) < jobEmergencyMs) return [];
    return { ...facts, why: 'too_long' as const };
  });
}

/** A job is without a lock for a moment when it ends: the same ones, a second later. */
async function stayingUnlocked(
  first: readonly ActiveJob[],
  read: () => Promise<ActiveJob[]>,
  clock: Clock,
): Promise<Set<string>> {
  const before = new Set(first.filter(isWithoutLock).map(keyOf));
  await sleep(clock, LOOK_AGAIN_MS);
  const after = (await read()).filter(isWithoutLock).map(keyOf);
  return new Set(after.filter((key) => before.has(key)));
}

function isWithoutLock({ lockToken }: ActiveJob): boolean {
  return lockToken === null;
}

function keyOf({ queue, id }: ActiveJob): string {
  return `${queue}/${id}`;
}
