import { Queue } from 'bullmq';
import type { RedisServer } from '../../harness/redisServer.ts';
import { compare, type Comparison } from '../comparison.ts';
import { Side } from '../sides/side.ts';
import { drainRate } from './drainRate.ts';
import { rateRow, type Row } from './row.ts';

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
    () => drainRate(client, ourQueue, plan.count),
    () => drainRate(client, peerQueue, plan.count),
  );
  await Promise.all([ours.ask({ do: 'rest' }), peer.ask({ do: 'rest' })]);
  return result;
}
