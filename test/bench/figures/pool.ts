import type { RedisServer } from '../../harness/redisServer.ts';
import { FeedProcess } from '../sides/feedProcess.ts';
import { Side } from '../sides/side.ts';
import { POOL_QUEUE, type SideFigures } from '../sides/sideProtocol.ts';
import { median } from '../statistics.ts';
import { QueuedTicks, type TickCount } from './queuedTicks.ts';
import { limitRow, rateRow, reachRow, type Row } from './row.ts';

const SYMBOLS = 20_000;
const CONNECTIONS = 400;
/** Frames for each symbol in a round; the rounds of a way that count have 2,000,000 frames together. */
const PER_SYMBOL = 20;
const ROUNDS = 5;
const MB = 1_000_000;

const WHY_CPU =
  'One core, if it had nothing else to do: the feed and Redis are processes of their own on the same machine. Batches of up to 500 ticks or 1 s.';
const WHY_TOGETHER =
  'A burst of many symbols at one moment. A read brings many frames then, and a frame costs a bare client next to nothing, so the same work of ours weighs more. Not what the bar is judged by: servers write each frame when its tick comes.';
const WHY_WALL =
  'The feed and, for ours, Redis take their part of the same cores. The time of ours ends when the last tick is a job in Redis.';
const WHY_PARSE =
  'Who wants to know what each symbol does has to look into the frames. This peer keeps nothing, though: it checks no number, tells no gap, and makes no job of a tick.';
const WHY_COUNT =
  'This peer does not look into a frame, so it can not know what symbol it is of. It shows what all the work on a tick costs: parsing, checking, numbers by symbol, lag, batch, and job in Redis.';

/** In the order in which they take their turns in the first round. */
const PATHS = ['ours', 'parse', 'count'] as const;
type Path = (typeof PATHS)[number];
/** Whether each frame is a write of its own, as servers send ticks that come one after the other. */
const WAYS = ['single', 'together'] as const;
type Way = (typeof WAYS)[number];
type Rounds = Record<Path, SideFigures[]>;
type Sides = Record<Path, Side>;

/** The stream pool at full size, beside bare clients of the same size. */
export async function measurePool(
  redis: RedisServer,
  folder: string,
  scale: number,
): Promise<Row[]> {
  const client = redis.client();
  await client.flushall();
  const connections = Math.round(CONNECTIONS * scale);
  const size = {
    ...{ connections, symbols: (SYMBOLS / CONNECTIONS) * connections },
    rounds: Math.max(2, Math.round(ROUNDS * scale)),
  };
  const feed = await FeedProcess.start('poolFeed.mjs');
  const sides = await startSides(redis, folder);
  try {
    await openPools(sides, feed, size);
    const ticks = await QueuedTicks.open(client, POOL_QUEUE, { prefix: 'bull', isPaused: false });
    const collect = () => ticks.collect();
    const results: Record<Way, Rounds> = {
      single: await inTurns(sides, feed, { ...size, way: 'single' }, collect),
      together: await inTurns(sides, feed, { ...size, way: 'together' }, collect),
    };
    const ours = WAYS.flatMap((way) => results[way].ours);
    const asked = size.symbols * PER_SYMBOL * (size.rounds + 1) * WAYS.length;
    const found = ticks.count();
    await ticks.close();
    return [
      ...WAYS.flatMap((way) => ratesOf(results[way], way, size)),
      memoryRow(ours),
      lossRow(Math.max(...ours.map(({ lost }) => lost)), asked, found),
    ];
  } finally {
    await sides.ours.measure({ do: 'closePool' }).catch(() => undefined);
    await Promise.all([...Object.values(sides).map((side) => side.end()), feed.end()]);
  }
}

async function startSides(redis: RedisServer, folder: string): Promise<Sides> {
  const bare = () => Side.start('peerSide.mjs', [redis.url, import.meta.dirname]);
  const [ours, parse, count] = await Promise.all([
    Side.start('ourSide.js', [redis.url, folder]),
    bare(),
    bare(),
  ]);
  return { ours, parse, count };
}

async function openPools(
  sides: Sides,
  feed: FeedProcess,
  size: { symbols: number; connections: number },
): Promise<void> {
  const symbols = Array.from({ length: size.symbols }, (_, n) => `SYM${n}`);
  for (const path of PATHS) {
    await sides[path].measure({
      ...{ do: 'openPool', url: feed.url(path), symbols, connections: size.connections },
      work: path === 'count' ? 'count' : 'parse',
    });
  }
}

/** One side after the other, another one first in each round. The first round warms up. */
async function inTurns(
  sides: Sides,
  feed: FeedProcess,
  { symbols, rounds, way: writes }: { symbols: number; rounds: number; way: Way },
  afterOurs: () => Promise<void>,
): Promise<Rounds> {
  const results: Rounds = { ours: [], parse: [], count: [] };
  for (let round = 0; round <= rounds; round += 1) {
    const first = round % PATHS.length;
    for (const path of [...PATHS.slice(first), ...PATHS.slice(0, first)]) {
      const taken = sides[path].measure({ do: 'takeTicks', count: symbols * PER_SYMBOL });
      await feed.ask({ do: 'burst', path, perSymbol: PER_SYMBOL, writes });
      results[path].push(await taken);
      if (path === 'ours') await afterOurs();
    }
  }
  for (const path of PATHS) results[path].shift();
  return results;
}

const count = (value: number) => value.toLocaleString('en-US');

/** The bars are for frames that are sent one at a time; the other way is harder for us. */
function ratesOf(
  rounds: Rounds,
  way: Way,
  { symbols, connections }: { symbols: number; connections: number },
): Row[] {
  const frames = symbols * PER_SYMBOL;
  const rates = (path: Path, time: 'ms' | 'cpuMs') =>
    rounds[path].map((round) => frames / (round[time] / 1_000));
  const against = (peer: Path, time: 'ms' | 'cpuMs') => ({
    ours: rates('ours', time),
    peer: rates(peer, time),
  });
  const isJudged = way === 'single';
  const sentAs = isJudged ? '' : `, ${count(symbols / connections)} frames in one write`;
  const taken = reachRow(
    `${count(symbols)} symbols, ${connections} connections, one process: frames per second of CPU time${sentAs}`,
    median(rates('ours', 'cpuMs')),
    100_000,
    isJudged ? WHY_CPU : WHY_TOGETHER,
  );
  const byClock = `the same by wall clock, against \`ws\` clients that parse and count by symbol${sentAs}`;
  const parse = `frames per CPU time, against \`ws\` clients that parse and count by symbol${sentAs}`;
  const bare = `frames per CPU time, against \`ws\` clients that only count frames${sentAs}`;
  return [
    taken,
    { ...rateRow(byClock, against('parse', 'ms'), undefined), note: WHY_WALL },
    {
      ...rateRow(parse, against('parse', 'cpuMs'), isJudged ? 0.8 : undefined),
      note: isJudged ? WHY_PARSE : WHY_TOGETHER,
    },
    {
      ...rateRow(bare, against('count', 'cpuMs'), isJudged ? 0.8 : undefined),
      note: isJudged ? WHY_COUNT : WHY_TOGETHER,
    },
  ];
}

function memoryRow(rounds: readonly SideFigures[]): Row {
  const peakMb = Math.max(...rounds.map(({ peakRssBytes }) => peakRssBytes)) / MB;
  return limitRow('most memory of that process (resident)', peakMb, 1_000, 'MB');
}

/** @param told gaps and drops, as the stream's row has them */
function lossRow(told: number, asked: number, { distinct, doubled }: TickCount): Row {
  const absent = asked - distinct;
  return limitRow(
    `ticks lost of ${count(asked)}: gaps and drops that were told, and those not in Redis`,
    told + Math.abs(absent) + doubled,
    0,
    'ticks',
    `Told: ${told}. Not in the jobs in Redis: ${absent}. There twice: ${doubled}.`,
  );
}
