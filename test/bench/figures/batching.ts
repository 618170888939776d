import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import type { RedisServer } from '../../harness/redisServer.ts';
import { compare } from '../comparison.ts';
import { Side } from '../sides/side.ts';
import { readHandledTicks } from './handledTicks.ts';
import { limitRow, rateRow, type Row } from './row.ts';

/** Each side has as many as it handles in some seconds. */
const OUR_TICKS = 400_000;
const PEER_TICKS = 10_000;
const ROUNDS = 5;

const WHY =
  'A batch of 500 costs Redis, the worker and the handler process about as much as a job does; what is left is making JSON of each tick and reading it twice.';

/** Ticks per second that reach a handler: in batches, against one BullMQ job for each. */
export async function measureBatching(
  redis: RedisServer,
  folder: string,
  scale: number,
): Promise<Row[]> {
  const trace = path.join(folder, 'batches');
  mkdirSync(trace);
  const startPeer = () => Side.start('peerSide.mjs', [redis.url, import.meta.dirname]);
  const [ours, adder, worker] = await Promise.all([
    Side.start('ourSide.js', [redis.url, folder]),
    startPeer(),
    startPeer(),
  ]);
  const counts = {
    ours: Math.round((OUR_TICKS * scale) / 4) * 4,
    peer: Math.round(PEER_TICKS * scale),
  };
  const lost = { ours: 0, peer: 0 };
  await redis.client().flushall();
  await ours.ask({ do: 'openBatching', folder: trace });
  const comparison = await compare(
    Math.max(2, Math.round(ROUNDS * scale)),
    async (round) => {
      const ms = await ours.ask({ do: 'batchTicks', round, count: counts.ours });
      const { distinct, missing, doubled } = readHandledTicks(trace, round);
      lost.ours += Math.max(missing, counts.ours - distinct) + doubled;
      return counts.ours / (ms / 1_000);
    },
    async (round) => {
      const [added, handled] = await Promise.all([
        adder.measure({ do: 'addEach', queue: `each-${round}`, count: counts.peer }),
        worker.measure({ do: 'handleEach', queue: `each-${round}`, count: counts.peer }),
      ]);
      lost.peer += handled.lost;
      return counts.peer / (Math.max(added.ms, handled.ms) / 1_000);
    },
  );
  await Promise.all([ours.end(), adder.end(), worker.end()]);
  const figure = 'ticks that reach a handler in batches, against one BullMQ job for each tick';
  return [
    rateRow(figure, comparison, 20, WHY),
    {
      ...limitRow('ticks lost or handled twice in that', lost.ours, 0, 'ticks'),
      peer: `${lost.peer} ticks`,
    },
  ];
}
