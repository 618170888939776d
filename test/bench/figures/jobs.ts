import { setTimeout as delay } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { RedisServer } from '../../harness/redisServer.ts';
import { compare, type Comparison } from '../comparison.ts';
import { Side } from '../sides/side.ts';
import { JOB_TYPE, payload } from '../sides/sideProtocol.ts';
import { rateRow, type Row } from './row.ts';

/** Looking costs both sides the same; too often, it is the main work of two cores. */
const LOOK_EVERY_MS = 10;
const ROUND_DEADLINE_MS = 60_000;

/** What profiles and the same figures of each part alone showed. */
const WHY_PROCESS =
  "The runner alone does 30,000 runs/s and more; with BullMQ and Redis on the same two cores the agent is the limit. Even a bare inline BullMQ worker is little more than three times as fast as sandboxed processors here, and handing a job to another process and back wakes two more. Ours uses about a third of the peer's CPU for a job.";
const WHY_INLINE =
  'Each run gets its own context, log and outcome: about 15 to 20 µs beside the 80 to 100 of BullMQ itself.';

interface Plan {
  figure: string;
  isolation: 'process' | 'inline';
  concurrency: number;
  count: number;
  rounds: number;
  bar?: number;
  unique?: boolean;
}

const PLANS: Plan[] = [
  {
    figure: 'jobs in handler processes, concurrency 16, against sandboxed processors',
    ...{ isolation: 'process', concurrency: 16, count: 4_000, rounds: 5, bar: 3 },
  },
  {
    figure: 'jobs in handler processes, concurrency 4, against sandboxed processors',
    ...{ isolation: 'process', concurrency: 4, count: 2_000, rounds: 3 },
  },
  {
    figure: 'jobs in handler processes, concurrency 1, against sandboxed processors',
    ...{ isolation: 'process', concurrency: 1, count: 600, rounds: 3 },
  },
  {
    figure: 'the same at 16 with a uniqueness rule (runs are fenced), against sandboxed processors',
    ...{ isolation: 'process', concurrency: 16, count: 3_000, rounds: 3, unique: true },
  },
  {
    figure: 'jobs `inline`, concurrency 16, against a bare BullMQ worker',
    ...{ isolation: 'inline', concurrency: 16, count: 5_000, rounds: 9, bar: 0.95 },
  },
  {
    figure: 'jobs `inline`, concurrency 1, against a bare BullMQ worker',
    ...{ isolation: 'inline', concurrency: 1, count: 1_200, rounds: 7, bar: 0.95 },
  },
];

/** Jobs per second from a full queue, through our worker pool and through BullMQ's workers. */
export async function measureJobs(
  redis: RedisServer,
  folder: string,
  scale: number,
): Promise<Row[]> {
  const [ours, peer] = await Promise.all([
    Side.start('ourSide.js', [redis.url, folder]),
    Side.start('peerSide.mjs', [redis.url, import.meta.dirname]),
  ]);
  const rows: Row[] = [];
  for (const [index, plan] of PLANS.entries()) {
    const count = Math.round(plan.count * scale);
    const comparison = await measure(redis, ours, peer, { ...plan, count }, index);
    const why = plan.isolation === 'process' ? WHY_PROCESS : WHY_INLINE;
    rows.push(rateRow(plan.figure, comparison, plan.bar, plan.bar === undefined ? '' : why));
  }
  await Promise.all([ours.end(), peer.end()]);
  return rows;
}

async function measure(
  redis: RedisServer,
  ours: Side,
  peer: Side,
  plan: Plan,
  index: number,
): Promise<Comparison> {
  const client = redis.client();
  const lanes = await Promise.all(
    [ours, peer].map(async (side, which) => {
      const queue = new Queue(`work-${index}-${which}`, { connection: client });
      const { isolation, concurrency, unique = false } = plan;
      await side.ask({ do: 'work', queue: queue.name, isolation, concurrency, unique });
      return queue;
    }),
  );
  const [ourQueue, peerQueue] = lanes;
  if (ourQueue === undefined || peerQueue === undefined) throw new Error('two queues were made');
  const result = await compare(
    plan.rounds,
    () => rate(client, ourQueue, plan.count),
    () => rate(client, peerQueue, plan.count),
  );
  await Promise.all([ours.ask({ do: 'rest' }), peer.ask({ do: 'rest' })]);
  return result;
}

/** Fills the paused queue, lets the workers have it, and waits until it is empty. */
async function rate(redis: Redis, queue: Queue, count: number): Promise<number> {
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
