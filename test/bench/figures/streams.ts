import { fork } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import * as z from 'zod';
import { compare } from '../comparison.ts';
import { Side } from '../sides/side.ts';
import { rateRow, type Row } from './row.ts';

const TICKS = 100_000;
const ROUNDS = 5;

const greeting = z.tuple([z.object({ port: z.number() }), z.unknown()]);

/** Ticks per second through a stream's connection and batcher, against a client that only counts. */
export async function measureStreams(redisUrl: string, folder: string): Promise<Row[]> {
  const feed = fork(path.join(import.meta.dirname, 'feed.mjs'), [String(TICKS)]);
  const [{ port }] = greeting.parse(await once(feed, 'message'));
  const [ours, peer] = await Promise.all([
    Side.start('ourSide.js', [redisUrl, folder]),
    Side.start('peerSide.mjs', [redisUrl, import.meta.dirname]),
  ]);
  const url = `ws://127.0.0.1:${port}/`;
  const rate = async (side: Side) =>
    TICKS / ((await side.ask({ do: 'receive', url, count: TICKS })) / 1_000);
  const comparison = await compare(
    ROUNDS,
    () => rate(ours),
    () => rate(peer),
  );
  await Promise.all([ours.end(), peer.end()]);
  const gone = once(feed, 'exit');
  feed.disconnect();
  await gone;
  return [
    rateRow(
      'ticks received, checked, counted and batched, against a `ws` client that only counts',
      comparison,
      undefined,
      'One tick per message; the feed runs on the same machine.',
    ),
  ];
}
