import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeCore, type Core } from '../leases/core.ts';

/** A test does not wait as long for an answer as an agent does. */
const COMMAND_TIMEOUT_MS = 300;

describe('a queue that is used for the first time while Redis is away', () => {
  let server: RedisServer;
  let redis: Redis;
  let core: Core;

  beforeEach(async () => {
    server = await RedisServer.start();
    redis = new Redis({
      ...{ path: server.socketPath, maxRetriesPerRequest: 1 },
      commandTimeout: COMMAND_TIMEOUT_MS,
    });
    redis.on('error', () => undefined);
    await redis.ping();
    core = makeCore(server, { redis, config: { jobs: { fetch: { handler: './fetch.ts' } } } });
  });

  afterEach(async () => {
    redis.disconnect();
    await server.stop();
  });

  const enqueue = () => core.enqueuer.enqueue({ type: 'fetch', data: {} });
  const worksAgain = async () => {
    await eventually('Redis to be back', () => redis.ping());
    assert.equal((await enqueue()).outcome, 'accepted');
    assert.equal((await core.reader.queueRow('default')).counts.waiting, 1);
  };

  it('works when Redis goes on that stood still', async () => {
    server.freeze();
    await assert.rejects(enqueue(), /timed out/);
    await assert.rejects(core.reader.queueRow('default'), /timed out/);
    server.thaw();
    await worksAgain();
  });

  it('says so soon, and works when Redis is there again that was gone', async () => {
    await server.kill();
    await eventually('the connection to be lost', () => redis.status !== 'ready');
    await assert.rejects(enqueue(), /timed out|max retries/);
    await server.restart();
    await worksAgain();
  });
});
