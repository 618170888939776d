import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { Queue } from 'bullmq';
import * as z from 'zod';
import { InterlockError } from '../../../agent/common/errors.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import type { RedisClient } from '../../../agent/redis/redisClient.ts';
import type { StreamService } from '../../../agent/streams/pool/streamService.ts';
import { startFeedServer, type FeedServer } from '../../../examples/market/feed/feedServer.mjs';
import { startProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { openService, streamTestConfig, type OpenService } from './openService.ts';

const SERVICE_PROCESS = fileURLToPath(new URL('./serviceProcess.ts', import.meta.url));

const batch = z.object({
  stream: z.literal('nse'),
  shard: z.literal(0),
  fence: z.number(),
  firstSeq: z.number(),
  lastSeq: z.number(),
  ticks: z.array(z.object({ symbol: z.string(), price: z.number(), seq: z.number() })),
});

describe('streams on a real Redis', function () {
  let shared: TestRedis;
  /** Of the test: the shared one, or one that it may end. */
  let redis: TestRedis;
  let client: RedisClient;
  let keys: Keys;
  let feed: FeedServer;
  let closers: (() => Promise<unknown>)[] = [];

  before(async () => {
    shared = await startTestRedis();
    feed = await startFeedServer({ port: 0, ratePerSecond: 1_000 });
  });
  const use = (one: TestRedis) => {
    redis = one;
    client = one.client();
    keys = new Keys(one.prefix);
  };
  beforeEach(async () => {
    await shared.flush();
    use(shared);
  });
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
    closers = [];
    client.disconnect();
  });
  after(async () => {
    await feed.close();
    await shared.stop();
  });

  const streams = (more: object = {}) => ({
    nse: {
      url: feed.url,
      symbols: ['NSE:TCS25JULFUT', 'NSE:INFY25JULFUT'],
      job: 'store',
      batch: { maxTicks: 20, maxWait: 50 },
      ...more,
    },
  });
  const open = async (agentId: string, declared: object = streams()): Promise<OpenService> => {
    const opened = await openService(redis, declared, agentId);
    closers.push(() => opened.close());
    return opened;
  };
  /** The batches in the queue, in the order in which they were added. */
  const batches = async () => {
    const queue = new Queue('websocket_data', { connection: client, prefix: redis.prefix });
    try {
      const jobs = await queue.getWaiting(0, -1);
      return jobs.map((job) => ({ id: job.id, data: batch.parse(job.data) }));
    } finally {
      await queue.close();
    }
  };
  const runs = (service: StreamService) =>
    eventually('it to run here', () => {
      const { state, connected } = row(service);
      return state === 'running' && connected === 1 ? row(service) : undefined;
    });

  it('makes a job of each batch, in order and without a hole', async () => {
    const { service, told } = await open('one');
    const { fence } = await runs(service);
    await eventually('ten batches', () => row(service).batches >= 10);
    await service.stop('nse');
    const found = await batches();
    assert.ok(found.length >= 10);
    let next = 1;
    for (const [index, { id, data }] of found.entries()) {
      assert.equal(id, `nse-0-${fence}-${index + 1}`);
      assert.deepEqual([data.fence, data.firstSeq], [fence, next]);
      assert.equal(data.ticks.length, data.lastSeq - data.firstSeq + 1);
      next = data.lastSeq + 1;
    }
    const last = told.findLast(({ state }) => state === 'running');
    assert.ok(last !== undefined && last.totalTicks > 0, 'figures are told');
  });

  it('sends what is left when it is stopped', async () => {
    const { service } = await open(
      'one',
      streams({ batch: { maxTicks: 100_000, maxWait: 60_000 } }),
    );
    const received = await eventually('ticks', () => row(service).totalTicks || undefined);
    assert.equal(row(service).batches, 0);
    await service.stop('nse');
    const [only, ...others] = await batches();
    assert.deepEqual([only?.data.firstSeq, others], [1, []]);
    assert.ok((only?.data.lastSeq ?? 0) >= received);
  });

  it('answers every start, stop and restart with a decision', async () => {
    const { service, decisions } = await open('one');
    const first = await runs(service);
    const again = await service.start('nse');
    assert.deepEqual([again.outcome, again.reason], ['already_running', 'lease_held']);
    assert.deepEqual(again.survivor, {
      jobId: 'stream:nse',
      state: 'running',
      since: first.startedAt,
    });
    assert.deepEqual([again.holder?.pid, again.holder?.agentId], [process.pid, 'one']);

    assert.equal((await service.stop('nse')).outcome, 'accepted');
    assert.deepEqual([row(service).state, row(service).wanted], ['stopped', 'stopped']);
    const idle = await service.stop('nse');
    assert.deepEqual([idle.outcome, idle.reason], ['refused', 'not_running']);
    assert.equal(await client.exists(keys.lease('stream:nse')), 0);

    assert.equal((await service.start('nse')).outcome, 'accepted');
    const second = row(service).fence ?? 0;
    assert.ok(second > (first.fence ?? NaN));
    assert.equal((await service.restart('nse')).outcome, 'accepted');
    assert.ok((row(service).fence ?? 0) > second);
    const unknown = (error: unknown) =>
      error instanceof InterlockError &&
      error.code === 'not_found' &&
      /\(nse\)/.test(error.remedy ?? '');
    await assert.rejects(service.start('bse'), unknown);
    const recorded = (await decisions.newest(10)).filter(({ subject }) => subject === 'nse');
    assert.equal(recorded.length, 5);
  });

  it('keeps what is wanted when agents come and go', async () => {
    const first = await open('one');
    await first.service.stop('nse');
    const second = await open('two');
    assert.deepEqual(
      [row(second.service).state, row(second.service).wanted],
      ['stopped', 'stopped'],
    );
  });

  it('runs once for two agents, and each of them can stop it', async () => {
    const one = await open('one');
    await runs(one.service);
    const two = await open('two');
    const other = row(two.service);
    assert.deepEqual(
      [other.state, other.holder?.agentId, other.connections.map((one) => one.holder?.agentId)],
      ['elsewhere', 'one', ['one']],
    );

    const started = await two.service.start('nse');
    assert.deepEqual([started.outcome, started.holder?.agentId], ['already_running', 'one']);
    const fence = row(one.service).fence ?? NaN;
    assert.equal((await two.service.restart('nse')).outcome, 'accepted');
    await eventually('a new run', () => {
      const fences = [one, two].map(({ service }) => row(service).fence ?? 0);
      return fences.every((now) => now > fence);
    });
    await eventually('one connection', () => feed.health().clients === 1);
    await eventually('one to run it', () =>
      [one, two].some(({ service }) => row(service).connected === 1),
    );

    assert.equal((await two.service.stop('nse')).outcome, 'accepted');
    await eventually('the holder to obey', () =>
      [one, two].every(({ service }) => row(service).state === 'stopped'),
    );
    assert.equal((await two.service.start('nse')).outcome, 'accepted');
    // Either may be the first to have its lease.
    await eventually('one to run it, and the other to see it', () => {
      const states = [one, two].map(({ service }) => row(service).state);
      return states.includes('running') && states.includes('elsewhere');
    });
    await eventually('one connection', () => feed.health().clients === 1);
  });

  it('is handed over when its agent leaves', async () => {
    const one = await open('one');
    const { fence } = await runs(one.service);
    const two = await open('two');
    await one.service.close({ handOverMs: 2_000, flushMs: 500 });
    const taken = await runs(two.service);
    assert.equal(taken.state, 'running');
    assert.ok((taken.fence ?? 0) > (fence ?? NaN));
  });

  it('is taken at once by one that is woken, however often', async () => {
    let last = await open('first');
    await runs(last.service);
    const took: number[] = [];
    for (const name of ['second', 'third', 'fourth', 'fifth']) {
      const next = await open(name);
      await last.service.close({ handOverMs: 2_000, flushMs: 500 });
      const from = performance.now();
      for (let count = 0; count < 20; count += 1) next.service.wake();
      await eventually('the lease', () => row(next.service).state === 'running', { everyMs: 5 });
      took.push(performance.now() - from);
      last = next;
    }
    // It looks by itself each second: four times early is no chance.
    assert.ok(Math.min(...took) < 500, `${took.map(Math.round).join(', ')} ms`);
  });

  it('is taken over when its agent is killed, and the decision says from whom', async () => {
    const child = await startProcess(process.execPath, [
      ...['--import', 'tsx', SERVICE_PROCESS, redis.url, redis.prefix, JSON.stringify(streams())],
    ]);
    closers.push(() => {
      child.child.kill('SIGKILL');
      return child.ended;
    });
    await eventually('batches of the other process', async () => (await batches()).length > 2);
    const here = await open('here');
    assert.deepEqual(
      [row(here.service).state, row(here.service).holder?.pid],
      ['elsewhere', child.pid],
    );
    child.child.kill('SIGKILL');
    await child.ended;
    await runs(here.service);
    // Without the proof that its holder is dead, the lease would have ended by its TTL.
    const takeover = (await here.decisions.newest(5)).find(({ action }) => action === 'takeover');
    assert.deepEqual(
      [takeover?.subject, takeover?.reason, takeover?.holder?.pid],
      ['nse', 'holder_dead', child.pid],
    );
    await eventually('batches of ours', async () =>
      (await batches()).some(({ data }) => data.fence === row(here.service).fence),
    );
  });

  it('goes on when its lease was lost and nobody had it in between', async () => {
    const { service } = await open('one');
    const { fence } = await runs(service);
    await eventually('batches', () => row(service).batches >= 3);
    await client.del(keys.lease('stream:nse'));
    await eventually('a new fence', () => (row(service).fence ?? 0) > (fence ?? 0));
    const before = row(service).batches;
    await eventually('batches again', () => row(service).batches > before + 3);
    assert.equal(row(service).connections[0]?.trouble, null);
    await service.stop('nse');
    const found = (await batches()).map(({ data }) => data);
    for (const [index, { firstSeq }] of found.entries()) {
      assert.equal(firstSeq, (found[index - 1]?.lastSeq ?? 0) + 1);
    }
    assert.equal(new Set(found.map((one) => one.fence)).size, 2, 'before and after');
  });

  it('gives up what it has when another had its lease in between', async () => {
    const { service } = await open('one');
    const { fence } = await runs(service);
    // Another acquired it and gave it back, as the fence tells, which only grows.
    const later = (fence ?? 0) + 60_000_000;
    await client.hset(keys.fences, 'stream:nse', later);
    await client.hset(keys.streamProgress('stream:nse'), '', 'nse-0-1-1');
    await client.del(keys.lease('stream:nse'));
    await eventually('a new run', () => (row(service).fence ?? 0) > later);
    await eventually('the old socket to be gone', () => feed.health().clients === 1);
    await eventually('batches of the new run', async () => {
      const [first] = (await batches()).filter(({ data }) => data.fence > later);
      return first?.data.firstSeq === 1;
    });
  });

  it('says why it can not run, where it should run', async () => {
    const { service } = await open('one', streams({ adapter: './feed.ts' }));
    const [connection] = row(service).connections;
    assert.deepEqual([row(service).state, connection?.state], ['waiting', 'closed']);
    assert.match(
      connection?.trouble ?? '',
      /no stream adapter "\.\/feed\.ts".*there is none at .*restart the stream/,
    );
    await assert.rejects(service.start('nse'), /feed\.ts/);
  });

  it('follows the config: changed, gone and added streams', async () => {
    const { service, removed } = await open('one');
    const { fence } = await runs(service);
    const same = streamTestConfig(streams()).streams;
    await service.applyConfig(same);
    assert.equal(row(service).fence, fence);
    await service.applyConfig(streamTestConfig(streams({ symbols: ['NSE:SBIN25JULFUT'] })).streams);
    const changed = await runs(service);
    assert.ok((changed.fence ?? 0) > (fence ?? NaN));
    assert.deepEqual(changed.connections[0]?.symbols, ['NSE:SBIN25JULFUT']);
    await service.applyConfig({});
    assert.deepEqual([service.rows(), removed], [[], ['nse']]);
    assert.equal(await client.exists(keys.lease('stream:nse')), 0);
    await service.applyConfig(same);
    await runs(service);
  });

  describe('of one server', () => {
    let single: RedisServer;

    before(async () => (single = await RedisServer.start()));
    after(() => single.stop());
    beforeEach(async () => {
      await single.flush();
      use(single);
    });

    it('loses no tick while Redis is restarted', async () => {
      const { service } = await open('one');
      await runs(service);
      await eventually('batches', () => row(service).batches >= 3);
      await single.restart();
      const before = row(service).batches;
      await eventually('batches again', () => row(service).batches > before + 3);
      await service.stop('nse');
      const found = (await batches()).map(({ data }) => data);
      assert.equal(
        new Set(found.map(({ fence }) => fence)).size,
        1,
        'the lease outlived the restart',
      );
      for (const [index, { firstSeq }] of found.entries()) {
        assert.equal(firstSeq, (found[index - 1]?.lastSeq ?? 0) + 1);
      }
    });

    it('closes in time with Redis dead', async () => {
      const { service } = await open('one');
      await runs(service);
      await single.kill();
      const from = performance.now();
      await service.close({ handOverMs: 1_000, flushMs: 250 });
      assert.ok(performance.now() - from < 5_000);
      await eventually('no live connection', () =>
        row(service).connections.every(({ state }) => state !== 'live'),
      );
      await single.restart();
    });
  });
});

function row(service: StreamService) {
  const [only] = service.rows();
  assert.ok(only !== undefined);
  return only;
}
