import assert from 'node:assert/strict';
import { systemClock } from '../../../agent/common/clock.ts';
import { WatchedRedis, type SilenceLimits } from '../../../agent/redis/watchedRedis.ts';
import { RedisProxy } from '../../faults/redisProxy.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';

const LIMITS: SilenceLimits = {
  ...{ lookEveryMs: 50, looks: 4, looksBeforeReady: 2 },
  answerWithinMs: 300,
};

describe('a connection that is watched', () => {
  let server: RedisServer;
  let proxy: RedisProxy;
  let redis: WatchedRedis;

  before(async () => (server = await RedisServer.start()));
  after(() => server.stop());
  beforeEach(async () => {
    await server.flush();
    proxy = await RedisProxy.start(server.socketPath);
    const port = Number(new URL(proxy.url).port);
    const options = { port, lazyConnect: true, maxRetriesPerRequest: null };
    redis = new WatchedRedis(options, systemClock, LIMITS);
    redis.on('error', () => undefined);
  });
  afterEach(async () => {
    redis.disconnect();
    await proxy.close();
  });

  const readNews = (from: WatchedRedis) => from.xread('BLOCK', 0, 'STREAMS', 'news', '0');
  const listeners = (count: number) =>
    eventually(`${count} to listen`, async () =>
      (await server.client().info('clients')).includes(`blocked_clients:${count}\r`),
    );

  it('is made anew where the network forgot it, and so is one that was made of it', async () => {
    const second = redis.duplicate();
    second.on('error', () => undefined);
    try {
      const reads = [readNews(redis), readNews(second)];
      await listeners(2);
      proxy.forget();
      await server.client().xadd('news', '*', 'what', 'it');
      for (const answer of await Promise.all(reads)) assert.equal(answer?.[0]?.[0], 'news');
    } finally {
      second.disconnect();
    }
  });

  it('is made anew where the server took it, and said nothing', async () => {
    proxy.setMode('stalled');
    const answer = redis.ping();
    await eventually('the connection', () => redis.status === 'connect');
    proxy.forget();
    proxy.setMode('open');
    assert.equal(await answer, 'PONG');
  });

  it('lives on while Redis stands still: what was asked is done once', async () => {
    const id = await redis.client('ID');
    server.freeze();
    try {
      const answer = redis.incr('count');
      // It has been doubted two times.
      await eventually('new connections', () => proxy.accepted >= 3);
      server.thaw();
      assert.equal(await answer, 1);
      assert.equal(await redis.client('ID'), id);
    } finally {
      server.thaw();
    }
  });

  it('lives on while a read waits for news for less than that', async () => {
    const id = await redis.client('ID');
    const read = redis.xread('BLOCK', 150, 'STREAMS', 'news', '0');
    assert.equal(await read, null);
    assert.equal(await redis.client('ID'), id);
    assert.equal(proxy.accepted, 1);
  });
});
