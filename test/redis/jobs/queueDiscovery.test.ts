import assert from 'node:assert/strict';
import { Queue } from 'bullmq';
import { systemClock } from '../../../agent/common/clock.ts';
import { QueueSearch } from '../../../agent/jobs/queueSearch.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeCore, SILENT } from '../leases/core.ts';

describe('queues of other BullMQ programs', () => {
  let server: RedisServer;
  const foreign: Queue[] = [];

  const makeQueue = async (name: string, prefix?: string) => {
    const queue = new Queue(name, {
      connection: server.client(),
      ...(prefix === undefined ? {} : { prefix }),
    });
    foreign.push(queue);
    await queue.add('theirs', { n: 1 });
    return queue;
  };

  beforeEach(async () => {
    server = await RedisServer.start();
  });

  afterEach(async () => {
    await Promise.all(foreign.splice(0).map((queue) => queue.close()));
    await server.stop();
  });

  it('are found by their prefix, once, and can be read', async () => {
    const { queues, reader } = makeCore(server);
    await makeQueue('emails');
    await makeQueue('elsewhere', 'other');
    await server.client().hset('bull:not:a:queue:meta', 'x', '1');

    assert.deepEqual(queues.names(), ['default']);
    assert.deepEqual(await queues.discover(), ['emails']);
    assert.deepEqual(await queues.discover(), []);
    assert.deepEqual(queues.names(), ['default', 'emails']);
    assert.equal((await reader.queueRow('emails')).counts.waiting, 1);
    const [row] = await reader.list({ type: 'theirs', limit: 10, offset: 0 });
    assert.equal(row?.queue, 'emails');
  });

  it('are not changed by a look at them', async () => {
    const { queues, reader, redis } = makeCore(server);
    const theirs = new Queue('emails', {
      ...{ connection: server.client(), streams: { events: { maxLen: 500 } } },
    });
    foreign.push(theirs);
    await theirs.add('theirs', { n: 1 });
    const meta = await redis.hgetall('bull:emails:meta');
    assert.equal(meta['opts.maxLenEvents'], '500');
    await queues.discover();
    for (const name of queues.names()) await reader.queueRow(name);
    await queues.ready('emails');
    // BullMQ writes in the background, in the order in which it was asked.
    await redis.ping();
    assert.deepEqual(await redis.hgetall('bull:emails:meta'), meta);
    assert.deepEqual(await redis.keys('bull:default:*'), []);
  });

  it('are found below a prefix with characters that mean something in a pattern', async () => {
    const { queues } = makeCore(server, { config: { redis: { prefix: '{a*[b]}' } } });
    await makeQueue('emails', '{a*[b]}');
    await makeQueue('wrong', '{ab}');
    assert.deepEqual(await queues.discover(), ['emails']);
  });

  it('are told to whoever searches', async () => {
    const { queues } = makeCore(server);
    await makeQueue('emails');
    const found: string[] = [];
    const search = new QueueSearch(queues, systemClock, SILENT, (queue) => found.push(queue));
    search.start();
    try {
      await eventually('the queue to be told', () => found.length > 0);
      assert.deepEqual(found, ['emails']);
    } finally {
      search.close();
    }
  });
});
