import type { Redis } from 'ioredis';
import type { RedisServer } from '../../harness/redisServer.ts';
import { compare, merge, type Comparison } from '../comparison.ts';
import { Side } from '../sides/side.ts';
import { limitRow, rateRow, type Row } from './row.ts';

const JOBS_PER_ROUND = { sequential: 1_200, concurrent: 3_000 };
const IN_FLIGHT = 64;
const ROUNDS = 4;
/** A process may be fast or slow by chance of its layout: several pairs are measured. */
const PAIRS = 3;
const REFUSALS = 100;

/** What differs; CPU times are of one process on a machine with other load. */
const WHY_ENQUEUE =
  'Ours makes the key and the decision, asks for the key first, and writes one stream entry more. CPU for each enqueue was about 85 µs in the client and 110 µs in Redis, against 60 and 90 of BullMQ; how much of that is due to which part was not measured.';

interface Plan {
  figure: string;
  inFlight: number;
  count: number;
  peer: 'unique' | 'plain';
  bar: number | undefined;
}

const PLANS: Plan[] = [
  {
    figure: `enqueue with a key, ${IN_FLIGHT} in flight, against BullMQ \`add\` with deduplication`,
    ...{ inFlight: IN_FLIGHT, count: JOBS_PER_ROUND.concurrent, peer: 'unique', bar: 0.95 },
  },
  {
    figure: 'enqueue with a key, one after the other, against BullMQ `add` with deduplication',
    ...{ inFlight: 1, count: JOBS_PER_ROUND.sequential, peer: 'unique', bar: 0.95 },
  },
  {
    figure: `enqueue with a key, ${IN_FLIGHT} in flight, against BullMQ \`add\` without deduplication`,
    ...{ inFlight: IN_FLIGHT, count: JOBS_PER_ROUND.concurrent, peer: 'plain', bar: undefined },
  },
];

/** Enqueueing with a uniqueness key and a recorded decision, against BullMQ's own `add`. */
export async function measureEnqueue(
  redis: RedisServer,
  folder: string,
  scale: number,
): Promise<Row[]> {
  const client = redis.client();
  const results = new Map<Plan, Comparison[]>();
  for (let pair = 0; pair < PAIRS; pair += 1) {
    const [ours, peer] = await Promise.all([
      Side.start('ourSide.js', [redis.url, folder]),
      Side.start('peerSide.mjs', [redis.url, import.meta.dirname]),
    ]);
    for (const plan of PLANS) {
      const comparison = await compareOnce(client, ours, peer, {
        ...plan,
        count: Math.round(plan.count * scale),
      });
      results.set(plan, [...(results.get(plan) ?? []), comparison]);
    }
    await Promise.all([ours.end(), peer.end()]);
  }
  const rows = PLANS.map((plan) =>
    rateRow(
      plan.figure,
      merge(results.get(plan) ?? []),
      plan.bar,
      plan.bar === undefined ? '' : WHY_ENQUEUE,
    ),
  );
  return [...rows, await measureRefusals(redis, folder)];
}

function compareOnce(redis: Redis, ours: Side, peer: Side, plan: Plan): Promise<Comparison> {
  const { inFlight, count } = plan;
  const rate = async (side: Side, variant: 'unique' | 'plain', round: string) => {
    await redis.flushall();
    const ms = await side.ask({
      ...{ do: 'enqueue', variant, inFlight, count, round, keys: 0 },
    });
    return count / (ms / 1_000);
  };
  return compare(
    ROUNDS,
    (round) => rate(ours, 'unique', round),
    (round) => rate(peer, plan.peer, round),
  );
}

/** Every command that reaches Redis is counted; one waits for the other, so each is a round trip. */
async function measureRefusals(redis: RedisServer, folder: string): Promise<Row> {
  const ours = await Side.start('ourSide.js', [redis.url, folder]);
  const refuse = (count: number) =>
    ours.ask({
      ...{ do: 'enqueue', variant: 'unique', inFlight: 1, count, round: 'taken', keys: 1 },
    });
  await refuse(2);
  const client = redis.client();
  await client.ping();
  const monitor = await client.monitor();
  let commands = 0;
  const counted = new Promise<void>((resolve) =>
    monitor.on('monitor', (_time: string, [command]: string[], source: string) => {
      if (command?.toLowerCase() === 'echo') resolve();
      // What a script does inside of Redis is no round trip.
      else if (source !== 'lua') commands += 1;
    }),
  );
  await refuse(REFUSALS);
  await client.echo('the end');
  await counted;
  monitor.disconnect();
  await ours.end();
  return limitRow('a refusal costs', commands / REFUSALS, 2, 'round trips');
}
