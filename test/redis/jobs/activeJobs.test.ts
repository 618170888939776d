import assert from 'node:assert/strict';
import { Worker } from 'bullmq';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore, type Core } from '../leases/core.ts';

const CONFIG = { jobs: { a: { handler: 'x' }, b: { handler: 'x', queue: 'low' } } };

describe('jobs that are active since', () => {
  let server: TestRedis;
  let core: Core;
  let workers: Worker[];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    core = makeCore(server, { config: CONFIG });
    await server.flush();
    workers = [];
  });
  afterEach(() => Promise.all(workers.map((worker) => worker.close(true))));

  /** Takes a job of a queue as a worker does, and lets it be. @returns when it started */
  async function begin(queue: string, jobId: string): Promise<number> {
    await core.queues.get(queue).add('a', {}, { jobId });
    const worker = new Worker(queue, null, {
      ...{ connection: core.redis, prefix: server.prefix, autorun: false },
    });
    workers.push(worker);
    const job = await worker.getNextJob(`token of ${jobId}`);
    const startedMs = job.processedOn ?? NaN;
    await eventually('the next start to have a time of its own', () => Date.now() > startedMs, {
      everyMs: 1,
    });
    return startedMs;
  }

  const ids = async (sinceMs: number) =>
    (await core.reader.activeSince(sinceMs)).map((job) => job.id).join(' ');

  it('come from all queues, the oldest first', async () => {
    await begin('default', 'one');
    await begin('low', 'two');
    await begin('default', 'three');
    await begin('low', 'four');
    assert.equal(await ids(Infinity), 'one two three four');
  });

  it('are read as far as they are old enough, and one job where none is', async () => {
    const starts = [];
    for (const id of ['one', 'two', 'three']) starts.push(await begin('default', id));
    const [first = 0] = starts;
    assert.equal(await ids(first - 1), 'one');
    assert.ok((await ids(first)).startsWith('one two'));
  });

  it('are found behind one whose data is gone', async () => {
    await begin('default', 'one');
    await begin('default', 'two');
    await core.redis.del(core.keys.job('default', 'one'));
    assert.equal(await ids(Infinity), 'two');
  });

  it('are many: all of them come, once', async () => {
    const { redis, keys } = core;
    await begin('default', 'one');
    const fields = await redis.hgetall(keys.job('default', 'one'));
    for (let count = 0; count < 450; count += 1) {
      await redis.hset(keys.job('default', `m${count}`), fields);
      await redis.lpush(keys.queue('default', 'active'), `m${count}`);
    }
    const rows = await core.reader.activeSince(Infinity);
    assert.equal(rows.length, 451);
    assert.equal(new Set(rows.map((row) => row.id)).size, 451);
  });
});
