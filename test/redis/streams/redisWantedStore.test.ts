import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { InterlockError } from '../../../agent/common/errors.ts';
import { RedisWantedStore } from '../../../agent/streams/pool/redisWantedStore.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';

describe('what is wanted of streams', () => {
  let server: TestRedis;

  before(async () => {
    server = await startTestRedis();
  });
  after(() => server.stop());

  it('is kept for every agent', async () => {
    const one = new RedisWantedStore(server.client(), `${server.prefix}:wanted`);
    const two = new RedisWantedStore(server.client(), `${server.prefix}:wanted`);
    assert.deepEqual(await one.get(), {});
    await one.set('nse', 'stopped');
    await two.set('b:se', 'running');
    assert.deepEqual(await two.get(), { nse: 'stopped', 'b:se': 'running' });
  });

  it('leaves aside what it does not know', async () => {
    const client = server.client();
    const other = `${server.prefix}:other`;
    await client.hset(other, 'nse', 'sleeping', 'bse', 'stopped');
    assert.deepEqual(await new RedisWantedStore(client, other).get(), { bse: 'stopped' });
  });

  it('says that Redis is away', async () => {
    const client = new Redis({
      ...{ path: '/nowhere/redis.sock', lazyConnect: true, maxRetriesPerRequest: 0 },
      retryStrategy: () => null,
    });
    client.on('error', () => undefined);
    const store = new RedisWantedStore(client, 'wanted');
    const away = (error: unknown) =>
      error instanceof InterlockError && error.code === 'redis_unreachable';
    await assert.rejects(store.get(), away);
    await assert.rejects(store.set('nse', 'running'), away);
    client.disconnect();
  });
});
