import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import { systemClock } from '../../../agent/common/clock.ts';
import type { Lease } from '../../../agent/leases/lease.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
import { batchSender } from '../../../agent/streams/pipeline/batchSender.ts';
import { Batcher } from '../../../agent/streams/pipeline/batcher.ts';
import { BufferBudget } from '../../../agent/streams/pipeline/bufferBudget.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../harness/temporaryFolder.ts';
import { makeCore, SILENT, type Core } from '../leases/core.ts';

/**
 * How long Redis is away. By hand, for the figure of the documents: INTERLOCK_OUTAGE_MS=60000. It is
 * longer than the TTL of the leases, so they are lost and won again each time.
 */
const OUTAGE_MS = Number(process.env['INTERLOCK_OUTAGE_MS'] ?? 3_000);
const LEASE_TTL_MS = 1_000;

const SHARDS = 3;
const SYMBOLS_PER_SHARD = 5;
const TICKS_PER_SECOND = 2_000;

const CONFIG = { jobs: { store: { handler: './store.ts', queue: 'websocket_data' } } };

const batchSchema = z.object({
  stream: z.literal('nse'),
  shard: z.number(),
  fence: z.number(),
  firstSeq: z.number(),
  lastSeq: z.number(),
  ticks: z.array(z.object({ symbol: z.string(), price: z.number(), seq: z.number() })),
});

describe('ticks while Redis is away', function () {
  this.timeout(60_000 + 3 * OUTAGE_MS);
  let redis: RedisServer;
  let connections: RedisConnections;
  let core: Core;
  let folder: TemporaryFolder;
  let closers: (() => Promise<unknown>)[];

  beforeEach(async () => {
    closers = [];
    folder = makeTemporaryFolder();
    redis = await RedisServer.start();
    // With one fsync per second Redis puts a write off while its last fsync takes long, and answers all
    // the same: a kill in that moment loses what it said it had. That is not what is asked for here.
    await redis.client().config('SET', 'appendfsync', 'always');
    connections = await RedisConnections.open({ kind: 'url', url: redis.url }, 'pipeline');
    core = makeCore(redis, { config: CONFIG, redis: connections.commands });
  });
  afterEach(async () => {
    for (const close of closers) await close();
    connections.close();
    await redis.stop();
    folder.remove();
  });

  /** Holds the lease of a shard as long as it can, and takes it again when it was lost. */
  async function keepLease(shard: number): Promise<{ current: () => Lease; fences: number[] }> {
    const request = { name: `stream:nse:${shard}`, kind: 'stream', subject: 'nse' } as const;
    const acquire = () =>
      eventually(
        'the lease',
        async () => {
          const answer = await core.leases.acquire({ ...request, ttlMs: LEASE_TTL_MS });
          return answer.acquired ? answer.lease : undefined;
        },
        { deadlineMs: OUTAGE_MS + 30_000 },
      );
    let lease = await acquire();
    let open = true;
    const fences: number[] = [];
    const watch = () => {
      fences.push(lease.fence);
      lease.signal.addEventListener('abort', () => {
        if (!open) return;
        void acquire().then((next) => {
          lease = next;
          watch();
        });
      });
    };
    watch();
    closers.push(async () => {
      open = false;
      await lease.release();
    });
    return { current: () => lease, fences };
  }

  async function openPipeline(budget: BufferBudget) {
    const told: number[] = [];
    const shards = await Promise.all(
      Array.from({ length: SHARDS }, async (_, shard) => {
        const lease = await keepLease(shard);
        const batcher = new Batcher({
          ...{ maxTicks: 100, maxWaitMs: 50, lite: false, budget },
          spillFolder: path.join(folder.path, String(shard)),
          ...{ clock: systemClock, random: Math.random, logger: SILENT },
          onDropped: (count) => void told.push(count),
          send: batchSender({
            ...{ stream: 'nse', shard, type: 'store', firstFence: lease.current().fence },
            ...{ lease: lease.current, enqueuing: core.enqueuer },
            progressKey: core.keys.streamProgress(`stream:nse/${shard}`),
          }),
        });
        return { batcher, fences: lease.fences, arrived: 0 };
      }),
    );
    const feed = startFeed(shards);
    closers.push(() => {
      feed.stop();
      return Promise.resolve();
    });
    return { shards, feed, told };
  }

  type Shards = Awaited<ReturnType<typeof openPipeline>>['shards'];

  /** Every batch in the queue, in the order in which they were added. */
  async function batchesOf(shard: number) {
    const jobs = await core.queues.get('websocket_data').getWaiting(0, -1);
    return jobs
      .map((job) => ({ id: job.id ?? '', ...batchSchema.parse(job.data) }))
      .filter((batch) => batch.shard === shard);
  }

  /** Each batch is one job, in order, and says which of the ticks it has. */
  async function checkOrder(shards: Shards): Promise<number> {
    let delivered = 0;
    for (const [shard, { batcher, arrived, fences }] of shards.entries()) {
      const batches = await batchesOf(shard);
      const numbers = batches.map(({ id }) => Number(id.split('-').at(-1)));
      assert.deepEqual(
        numbers,
        numbers.map((_, index) => index + 1),
      );
      assert.ok(batches.every(({ id }) => id.startsWith(`nse-${shard}-${fences[0] ?? 0}-`)));
      assert.deepEqual(
        batches.map(({ fence }) => fence),
        batches.map(({ fence }) => fence).sort((a, b) => a - b),
      );
      let last = 0;
      const lastOfSymbol = new Map<string, number>();
      for (const { firstSeq, lastSeq, ticks } of batches) {
        assert.ok(firstSeq > last);
        assert.equal(ticks.length, lastSeq - firstSeq + 1);
        last = lastSeq;
        for (const { symbol, seq } of ticks) {
          assert.ok(seq > (lastOfSymbol.get(symbol) ?? 0), `${symbol}: ${seq}`);
          lastOfSymbol.set(symbol, seq);
        }
      }
      const sent = batches.reduce((sum, { ticks }) => sum + ticks.length, 0);
      assert.equal(sent + batcher.dropped, arrived);
      delivered += sent;
    }
    return delivered;
  }

  async function drain({ shards, feed }: { shards: Shards; feed: { stop(): void } }) {
    feed.stop();
    await eventually('all to be sent', () => shards.every(({ batcher }) => batcher.waiting === 0), {
      deadlineMs: 60_000 + OUTAGE_MS,
    });
    for (const { batcher } of shards) await batcher.flush(1_000);
    for (const name of readdirSync(folder.path)) assert.fail(`${name} is left on disk`);
  }

  const outages: Record<string, () => Promise<void>> = {
    'is stopped and goes on': async () => {
      process.kill(redis.pid ?? assert.fail('no Redis'), 'SIGSTOP');
      await delay(OUTAGE_MS);
      process.kill(redis.pid ?? assert.fail('no Redis'), 'SIGCONT');
    },
    'is killed and starts again': async () => {
      await redis.kill();
      await delay(OUTAGE_MS);
      await redis.restart();
    },
  };
  for (const [how, outage] of Object.entries(outages)) {
    it(`are all there, once and in order, when it ${how}`, async () => {
      // Far less memory than what arrives: most of it goes over the disk.
      const budget = new BufferBudget({ ticks: 1_000, diskBytes: 256 * 1024 * 1024 });
      const pipeline = await openPipeline(budget);
      const { shards, told } = pipeline;
      await eventually('the first batches', () =>
        shards.every(({ batcher }) => batcher.batches > 2),
      );
      let spilled = 0;
      const look = setInterval(() => {
        spilled = Math.max(spilled, ...shards.map(({ batcher }) => batcher.spilled));
      }, 50);
      await outage();
      await eventually('batches to be sent again', () =>
        shards.every(({ batcher, fences }) => fences.length > 1 && batcher.spilled === 0),
      );
      clearInterval(look);
      await drain(pipeline);
      const arrived = shards.reduce((sum, shard) => sum + shard.arrived, 0);
      assert.ok(arrived >= (TICKS_PER_SECOND * OUTAGE_MS) / 1_000 / 2);
      assert.ok(spilled > 0, 'it went over the disk');
      assert.equal(await checkOrder(shards), arrived);
      assert.deepEqual(told, []);
    });
  }

  it('are dropped beyond the buffer, the oldest first, and every one is counted', async () => {
    const budget = new BufferBudget({ ticks: 300, diskBytes: 40_000 });
    const pipeline = await openPipeline(budget);
    const { shards, told } = pipeline;
    await eventually('the first batches', () => shards.every(({ batcher }) => batcher.batches > 2));
    await redis.kill();
    await eventually('ticks to be dropped', () =>
      shards.every(({ batcher }) => batcher.dropped > 0),
    );
    await delay(OUTAGE_MS / 2);
    assert.ok(budget.ticks.used <= 300);
    assert.ok(budget.diskBytes.used <= 40_000);
    await redis.restart();
    await eventually('the leases', () => shards.every(({ fences }) => fences.length > 1));
    await drain(pipeline);
    await checkOrder(shards);
    const dropped = shards.reduce((sum, { batcher }) => sum + batcher.dropped, 0);
    assert.equal(
      told.reduce((sum, count) => sum + count, 0),
      dropped,
    );
    for (const [shard, { arrived }] of shards.entries()) {
      const newest = (await batchesOf(shard)).at(-1)?.lastSeq;
      assert.equal(newest, arrived, 'the newest are kept');
    }
    assert.equal(existsSync(path.join(folder.path, '0')), false);
  });
});

/** Ticks of every symbol at an even rate, whatever happens. */
function startFeed(shards: { batcher: Batcher; arrived: number }[]): { stop(): void } {
  const startedAt = performance.now();
  const seqs = new Map<string, number>();
  let made = 0;
  const timer = setInterval(() => {
    const due = ((performance.now() - startedAt) * TICKS_PER_SECOND) / 1_000;
    for (; made < due; made += 1) {
      const shard = shards[made % shards.length];
      if (shard === undefined) continue;
      const symbol = `S${made % (shards.length * SYMBOLS_PER_SHARD)}`;
      const seq = (seqs.get(symbol) ?? 0) + 1;
      seqs.set(symbol, seq);
      shard.batcher.add([{ symbol, price: 1, seq }]);
      shard.arrived += 1;
    }
  }, 5);
  return { stop: () => clearInterval(timer) };
}
