import assert from 'node:assert/strict';
import { Job, Worker, type Queue } from 'bullmq';
import pino from 'pino';
import { configSchema } from '../../../agent/config/schema.ts';
import { DecisionLog } from '../../../agent/decisions/decisionLog.ts';
import { QueueDrain } from '../../../agent/jobs/queueDrain.ts';
import { QueueSet } from '../../../agent/jobs/queueSet.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import type { RedisClient } from '../../../agent/redis/redisClient.ts';
import { Scripts } from '../../../agent/redis/scripts.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';

describe('draining a queue', () => {
  let server: TestRedis;
  let redis: RedisClient;
  let queue: Queue;
  let decisions: DecisionLog;
  let drain: QueueDrain;
  let keys: Keys;

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    await server.flush();
    redis = server.client();
    keys = new Keys(server.prefix);
    const queues = new QueueSet(
      redis,
      configSchema.parse({
        redis: { prefix: server.prefix },
        jobs: { echo: { handler: 'x', queue: 'bulk' } },
      }),
    );
    decisions = new DecisionLog(redis, keys, pino({ level: 'silent' }));
    drain = new QueueDrain({ queues, redis, scripts: new Scripts(redis), keys, decisions });
    queue = queues.require('bulk');
  });
  afterEach(() => redis.disconnect());

  async function fill(): Promise<void> {
    const worker = new Worker('bulk', null, { connection: server.client(), prefix: server.prefix });
    await queue.add('echo', {}, { jobId: 'runs', deduplication: { id: 'k-runs' } });
    const taken: unknown = await worker.getNextJob('token');
    assert.ok(taken instanceof Job && taken.id === 'runs');
    await worker.close();
    await queue.add('echo', {}, { jobId: 'waits', deduplication: { id: 'k-waits' } });
    await queue.add('echo', {}, { jobId: 'also', priority: 5 });
    await queue.add('echo', {}, { jobId: 'later', delay: 60_000 });
  }

  const states = async () =>
    Object.fromEntries(
      await Promise.all(
        ['runs', 'waits', 'also', 'later'].map(
          async (id) => [id, await queue.getJobState(id)] as const,
        ),
      ),
    );

  it('counts first, and touches nothing', async () => {
    await fill();
    const before = await states();
    assert.equal(await drain.count('bulk', false), 2);
    assert.equal(await drain.count('bulk', true), 3);
    assert.deepEqual(await states(), before);
    assert.equal(await decisions.count(), 0);
  });

  it('leaves the jobs that carry schedules of BullMQ, and does not count them', async () => {
    await queue.upsertJobScheduler('later', { every: 3_600_000, startDate: Date.now() + 60_000 });
    await queue.upsertJobScheduler('now', { every: 3_600_000 });
    await queue.upsertJobScheduler('first', { every: 3_600_000 }, { opts: { priority: 5 } });
    await queue.upsertJobScheduler('lost', { every: 3_600_000, startDate: Date.now() + 60_000 });
    const schedulers = await queue.getJobSchedulers();
    const idOf = (wanted: string) => {
      const { next } = schedulers.find(({ key }) => key === wanted) ?? {};
      return `repeat:${wanted}:${String(next)}`;
    };
    await redis.del(queue.toKey(idOf('lost')));
    await redis.zrem(queue.toKey('delayed'), idOf('lost'));
    await queue.add('echo', {}, { jobId: 'waits' });
    await queue.add('echo', {}, { jobId: 'delays', delay: 60_000 });
    assert.deepEqual([await drain.count('bulk', false), await drain.count('bulk', true)], [1, 2]);
    assert.equal((await drain.drain('bulk', false)).removed, 1);
    assert.equal((await drain.drain('bulk', true)).removed, 1);
    assert.deepEqual([await drain.count('bulk', false), await drain.count('bulk', true)], [0, 0]);
    assert.equal(await queue.getJobState(idOf('later')), 'delayed');
    assert.equal(await queue.getJobState(idOf('now')), 'waiting');
    assert.equal(await queue.getJobState(idOf('first')), 'prioritized');
  });

  it('removes what waits with its key; what runs or is delayed stays', async () => {
    await fill();
    const { removed, decision } = await drain.drain('bulk', false);
    assert.equal(removed, 2);
    assert.deepEqual(await states(), {
      ...{ runs: 'active', waits: 'unknown', also: 'unknown', later: 'delayed' },
    });
    assert.equal(await redis.exists(keys.deduplication('bulk', 'k-waits')), 0);
    assert.equal(await redis.get(keys.deduplication('bulk', 'k-runs')), 'runs');
    assert.equal(decision?.remedy, '2 jobs were removed.');
  });

  it('removes delayed ones as well where that is asked for, and records each drain', async () => {
    await fill();
    assert.equal((await drain.drain('bulk', true)).removed, 3);
    assert.equal((await states())['later'], 'unknown');
    assert.equal((await drain.drain('bulk', true)).removed, 0);
    const told = (await decisions.newest(10)).map(({ action, subject, reason, remedy }) => [
      ...[action, subject, reason, remedy],
    ]);
    assert.deepEqual(told, [
      ['drain', 'bulk', 'drained_by_person', '0 jobs were removed.'],
      ['drain', 'bulk', 'drained_by_person', '3 jobs were removed.'],
    ]);
  });

  it('empties a queue that is paused', async () => {
    await queue.pause();
    await queue.add('echo', {}, { jobId: 'waits' });
    assert.equal(await drain.count('bulk', false), 1);
    assert.equal((await drain.drain('bulk', false)).removed, 1);
  });
});
