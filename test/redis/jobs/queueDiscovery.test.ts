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
