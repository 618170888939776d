import assert from 'node:assert/strict';
import { Worker, type Job } from 'bullmq';
import { keyOfJob, LastCheck } from '../../../agent/jobs/lastCheck.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore, type Core } from '../leases/core.ts';

const CONFIG = {
  jobs: {
    again: {
      ...{ handler: 'x', maxConcurrent: 2 },
      unique: { by: ['key'], onConflict: 'reschedule' },
    },
    monitor: { handler: 'x', queue: 'monitors', monitoring: true },
  },
};

describe('places and keys that are handed on', () => {
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

  const ask = (key: string) => core.enqueuer.enqueue({ type: 'again', data: { key } });

  /** Takes the next job as a worker does, up to the last check. */
  async function start(queue = 'default') {
    const worker = new Worker(queue, null, {
      ...{ connection: core.redis, prefix: server.prefix, autorun: false },
    });
    workers.push(worker);
    const token = 'token';
    const job = await nextJob(worker, token);
    assert.ok(job !== undefined, 'a job waits');
    const { scripts, keys, decisions, queues } = core;
    const check = new LastCheck(scripts, keys, decisions, (name) => keys.queue(name, ''));
    const rules = queues.rulesOf(job.name);
    assert.ok(rules !== undefined);
    const key = await keyOfJob(job, rules, () => Promise.resolve(null));
    const checked = await check.check(job, token, rules, key);
    return { id: job.id, checked, end: () => job.moveToCompleted(null, token, false) };
  }

  for (const [what, between] of [
    ['at once', () => Promise.resolve()],
    ['after the reaper has been there', () => reap()],
  ] as const) {
    it(`one that is rescheduled has the place of the one it ran after, ${what}`, async () => {
      await ask('a');
      await ask('b');
      const first = await start();
      await start();
      const next = await ask('a');
      assert.equal(next.outcome, 'rescheduled');
      await first.end();
      await between();
      const third = await ask('c');
      assert.deepEqual(
        [third.outcome, third.reason, third.counts],
        ['already_running', 'concurrency_limit', { queuedOrRunning: 2, limit: 2 }],
      );
      const second = await start();
      assert.deepEqual([second.id, second.checked.go], [next.jobId, true]);
      await second.end();
      assert.equal((await ask('c')).outcome, 'accepted');
    });
  }

  /** Removes the places of jobs that have ended, as the reaper does. */
  async function reap(): Promise<void> {
    const { redis, scripts, keys } = core;
    for (const id of await redis.zrange(keys.admitted('again'), 0, -1))
      await scripts.run(
        'removeOrphanAdmission',
        [keys.admitted('again'), keys.job('default', id)],
        [id],
      );
  }

  it('one that waits for its retry is not removed while another is to run after it', async () => {
    const first = await ask('a');
    await start();
    const next = await ask('a');
    const { redis, keys, queues } = core;
    // Its worker is gone: it waits again, and the other one still waits for its end.
    await redis.del(keys.jobLock('default', first.jobId ?? ''));
    await redis.lrem(keys.queue('default', 'active'), 1, first.jobId ?? '');
    await redis.rpush(keys.queue('default', 'wait'), first.jobId ?? '');
    const { refused } = await core.actions.remove([{ id: first.jobId ?? '' }]);
    assert.match(refused[0]?.why ?? '', new RegExp(`${next.jobId ?? '?'} is to run after it`));
    assert.equal(await queues.get('default').getJobState(first.jobId ?? ''), 'waiting');
  });

  it('a duplicate that belongs to a flow is left to the last check, so that its parent goes on', async () => {
    const queue = core.queues.get('monitors');
    await queue.add('monitor', {}, { jobId: 'one' });
    await queue.add('monitor', {}, { jobId: 'child' });
    await core.redis.hset(
      core.keys.job('monitors', 'child'),
      'parentKey',
      `${server.prefix}:monitors:parent`,
    );
    await queue.add('monitor', {}, { jobId: 'two' });
    const run = await start('monitors');
    assert.deepEqual([run.id, run.checked.go], ['one', true]);
    assert.deepEqual(
      (await queue.getWaiting()).map((job) => job.id),
      ['child'],
    );
    const child = await start('monitors');
    assert.deepEqual([child.id, child.checked.go], ['child', false]);
  });

  it('duplicates are removed from the end of the queue that starts next', async () => {
    const queue = core.queues.get('monitors');
    const jobs = Array.from({ length: 600 }, (_, n) => ({ name: 'other', data: { n } }));
    await queue.add('monitor', {}, { jobId: 'one' });
    await queue.add('monitor', {}, { jobId: 'two' });
    await queue.addBulk(jobs);
    await start('monitors');
    assert.equal(await queue.getJobState('two'), 'unknown');
    assert.equal(await queue.getWaitingCount(), jobs.length);
  });
});

/** BullMQ's types do not tell that there may be none. */
function nextJob(worker: Worker, token: string): Promise<Job | undefined> {
  return worker.getNextJob(token, { block: false });
}
