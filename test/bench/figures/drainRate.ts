import { setTimeout as delay } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { JOB_TYPE, payload } from '../sides/sideProtocol.ts';

/** Looking costs both sides the same; too often, it is the main work of two cores. */
const LOOK_EVERY_MS = 10;
const ROUND_DEADLINE_MS = 60_000;

/**
 * Fills the paused queue, lets the workers have it, and waits until it is empty.
 * @returns jobs per second
 * @throws Error when one fails, or the queue is not empty after a minute
 */
export async function drainRate(redis: Redis, queue: Queue, count: number): Promise<number> {
  await queue.pause();
  await queue.addBulk(
    Array.from({ length: count }, (_, n) => ({
      name: JOB_TYPE,
      data: payload(n, `k${n}`),
      opts: {
        attempts: 1,
        removeOnComplete: { count: 1_000, age: 24 * 3_600 },
        removeOnFail: { count: 5_000, age: 7 * 24 * 3_600 },
      },
    })),
  );
  const startedAt = performance.now();
  await queue.resume();
  await emptied(redis, queue, startedAt);
  const tookMs = performance.now() - startedAt;
  const failed = await queue.getFailedCount();
  if (failed > 0) throw new Error(`${failed} jobs of ${queue.name} failed`);
  return count / (tookMs / 1_000);
}

async function emptied(redis: Redis, queue: Queue, startedAt: number): Promise<void> {
  for (;;) {
    const [waiting, active] = await Promise.all([
      redis.llen(queue.toKey('wait')),
      redis.llen(queue.toKey('active')),
    ]);
    if (waiting + active === 0) return;
    if (performance.now() - startedAt > ROUND_DEADLINE_MS) {
      throw new Error(`${queue.name}: ${waiting} jobs wait and ${active} run after a minute`);
    }
    await delay(LOOK_EVERY_MS);
  }
}
