import assert from 'node:assert/strict';
import type { Redis } from 'ioredis';
import { systemClock } from '../../../agent/common/clock.ts';
import { EventTail } from '../../../agent/feed/eventTail.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';

describe('the tail of events', () => {
  let server: RedisServer;
  let redis: Redis;
  let tail: EventTail | undefined;

  before(async () => (server = await RedisServer.start()));
  after(() => server.stop());
  beforeEach(async () => {
    redis = server.client();
    await redis.flushall();
  });
  afterEach(() => tail?.close());

  function follow(streams: string[], onNews: (stream: string) => void): void {
    tail = new EventTail(server.client(), streams, systemClock, onNews);
    tail.start();
  }

  const add = (stream: string) => redis.xadd(stream, '*', 'event', 'x');
  const blocked = () =>
    eventually('it to listen', async () => /^blocked_clients:1/m.test(await redis.info('clients')));

  it('tells which stream has news, and nothing of what was there before', async () => {
    await add('a');
    const news: string[] = [];
    follow(['a', 'b'], (stream) => news.push(stream));
    await blocked();
    assert.equal(news.length, 0);
    await add('b');
    await eventually('news of b', () => news.includes('b'));
    assert.deepEqual(news, ['b']);
  });

  it('misses nothing of a quiet stream that has news together with a busy one', async () => {
    let quiet = 0;
    follow(['busy', 'quiet'], (stream) => {
      if (stream === 'quiet') quiet += 1;
    });
    await blocked();
    for (let round = 1; round <= 30; round += 1) {
      // The first wakes the read, and the second comes before it is asked again.
      await redis.pipeline().xadd('busy', '*', 'e', 'x').xadd('quiet', '*', 'e', 'x').exec();
      await eventually(`news of the quiet one, round ${round}`, () => quiet === round, {
        ...{ deadlineMs: 2_000, everyMs: 1 },
      });
    }
  });

  it('tells of what happened while Redis was away, and goes on', async () => {
    const news: string[] = [];
    follow(['a'], (stream) => news.push(stream));
    await blocked();
    await server.kill();
    await server.restart();
    await eventually('everything to count as news', () => news.length === 1);
    await blocked();
    await add('a');
    await eventually('news after the restart', () => news.length === 2);
  });

  it('ends at once, also in the middle of a read', async () => {
    const connection = server.client();
    tail = new EventTail(connection, ['a'], systemClock, () => undefined);
    tail.start();
    await blocked();
    tail.close();
    await eventually('the end', () => connection.status === 'end', { deadlineMs: 1_000 });
  });
});
