import type { Redis } from 'ioredis';
import type { RedisServer } from '../../harness/redisServer.ts';
import { compare } from '../comparison.ts';
import { Side } from '../sides/side.ts';
import { limitRow, rateRow, type Row } from './row.ts';

const PROCESSES = 8;
const ATTEMPTS = 10_000;
const KEYS = 100;
const IN_FLIGHT = 64;
const ROUNDS = 4;

/** What differs. The ratio lies near the bar, and a run may fall on either side of it. */
const WHY_RACE =
  'Ours reads the survivor and writes a decision for each refusal, where BullMQ writes an event. It asks without a payload for keys that it was refused in the last second; without that it is slower.';

/** Many processes that ask for the same few keys, against BullMQ's own deduplication in as many. */
export async function measureRace(
  redis: RedisServer,
  folder: string,
  scale: number,
): Promise<Row[]> {
  const attempts = Math.round(ATTEMPTS * scale);
  const client = redis.client();
  const [ours, peers] = await Promise.all([
    startAll(() => Side.start('ourSide.js', [redis.url, folder])),
    startAll(() => Side.start('peerSide.mjs', [redis.url, import.meta.dirname])),
  ]);
  const race = async (sides: Side[], round: string): Promise<number> => {
    await client.flushall();
    await client.config('RESETSTAT');
    const startedAt = performance.now();
    await Promise.all(
      sides.map((side) =>
        side.ask({
          ...{ do: 'enqueue', variant: 'unique', inFlight: IN_FLIGHT, count: attempts },
          ...{ round, keys: KEYS },
        }),
      ),
    );
    const tookMs = performance.now() - startedAt;
    await checkAccepted(client, round);
    return (PROCESSES * attempts) / (tookMs / 1_000);
  };
  let roundTrips = 0;
  const comparison = await compare(
    ROUNDS,
    async (round) => {
      const rate = await race(ours, round);
      const refused = PROCESSES * attempts - KEYS;
      roundTrips = Math.max(roundTrips, ((await scriptCalls(client)) - KEYS) / refused);
      return rate;
    },
    (round) => race(peers, round),
  );
  await Promise.all([...ours, ...peers].map((side) => side.end()));
  const what = `${PROCESSES} processes x ${attempts.toLocaleString('en-US')} enqueues on ${KEYS} keys`;
  return [
    rateRow(`${what}, against BullMQ \`add\` with deduplication`, comparison, 0.95, WHY_RACE),
    limitRow('a refusal in that race costs', roundTrips, 2, 'round trips'),
  ];
}

function startAll(start: () => Promise<Side>): Promise<Side[]> {
  return Promise.all(Array.from({ length: PROCESSES }, start));
}

/** One of each key, no more and no fewer. @throws Error: then the figure is worth nothing */
async function checkAccepted(redis: Redis, round: string): Promise<void> {
  const accepted = await redis.llen('bull:default:wait');
  if (accepted !== KEYS)
    throw new Error(`Round ${round} accepted ${accepted} jobs instead of ${KEYS}.`);
}

/** Calls of scripts since the statistics were reset: each enqueue is nothing else. */
async function scriptCalls(redis: Redis): Promise<number> {
  const info = await redis.info('commandstats');
  const calls = [...info.matchAll(/^cmdstat_(?:evalsha|eval):calls=(\d+)/gm)];
  return calls.reduce((sum, [, count]) => sum + Number(count), 0);
}
