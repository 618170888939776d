import assert from 'node:assert/strict';
import { UnrecoverableError, Worker } from 'bullmq';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore, type Core } from '../leases/core.ts';

const CONFIG = {
  jobs: {
    sync: { handler: 'x', unique: { by: ['network'] } },
    low: { handler: 'x', queue: 'low' },
  },
};
const MAINNET = { network: 'mainnet' };

describe('job actions', () => {
  let server: TestRedis;
  let core: Core;

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    core = makeCore(server, { config: CONFIG });
    await server.flush();
  });

  async function enqueue(data: Record<string, string> = MAINNET, type = 'sync'): Promise<string> {
    const { jobId, outcome } = await core.enqueuer.enqueue({ type, data });
    assert.equal(outcome, 'accepted');
    return jobId ?? '';
  }

  /** Lets every waiting job of a queue fail. */
  async function failAll(queue = 'default'): Promise<void> {
    const connection = server.client();
    const worker = new Worker(queue, () => Promise.reject(new UnrecoverableError('no')), {
      ...{ connection, prefix: server.prefix },
    });
    await eventually(
      'all to fail',
      async () => (await core.queues.get(queue).getWaitingCount()) === 0,
    );
    await worker.close();
  }

  const stateOf = (id: string, queue = 'default') => core.queues.get(queue).getJobState(id);

  it('requeue a failed job, with its attempts anew and its key taken again', async () => {
    const id = await enqueue();
    await failAll();
    assert.deepEqual(await core.actions.requeue([{ id }]), { done: [id], refused: [] });
    assert.equal(await stateOf(id), 'waiting');
    assert.equal((await core.reader.detail(id)).attemptsMade, 0);
    const second = await core.enqueuer.enqueue({ type: 'sync', data: MAINNET });
    assert.deepEqual([second.outcome, second.jobId], ['already_queued', id]);
  });

  it('requeue nothing that would be a second job of a key, and record it', async () => {
    const failed = await enqueue();
    await failAll();
    const alive = await enqueue();
    const { done, refused } = await core.actions.requeue([{ id: failed }]);
    assert.deepEqual(done, []);
    assert.match(refused[0]?.why ?? '', new RegExp(alive));
    assert.equal(await stateOf(failed), 'failed');
    const last = (await core.recorded()).find((one) => one.action === 'requeue');
    assert.deepEqual(
      [last?.action, last?.outcome, last?.jobId, last?.survivor?.jobId, last?.key],
      ['requeue', 'already_queued', alive, alive, 'mainnet'],
    );
  });

  it('requeue one of many failed jobs of a key, whoever asks at the same time', async () => {
    const ids: string[] = [];
    for (let count = 0; count < 10; count += 1) {
      ids.push(await enqueue());
      await failAll();
    }
    const results = await Promise.all(
      ids.map((id) => makeCore(server, { config: CONFIG }).actions.requeue([{ id }])),
    );
    assert.equal(results.flatMap((result) => result.done).length, 1);
    assert.equal(await core.queues.get('default').getWaitingCount(), 1);
  });

  it('requeue what failed of all queues, each job once named', async () => {
    const ids = [await enqueue(), await enqueue({ network: 'b' }), await enqueue({}, 'low')];
    await failAll();
    await failAll('low');
    const refs = await core.actions.failedRefs(core.queues.names());
    assert.deepEqual(refs.map((ref) => ref.id).sort(), [...ids].sort());
    const { done } = await core.actions.requeue(refs);
    assert.deepEqual(done.sort(), ids.sort());
  });

  it('refuse with the state what has not failed, and what is not there', async () => {
    const id = await enqueue();
    const { done, refused } = await core.actions.requeue([{ id }, { id: 'no-such-job' }]);
    assert.deepEqual(done, []);
    assert.match(refused[0]?.why ?? '', /waiting; only failed/);
    assert.match(refused[1]?.why ?? '', /no job no-such-job/);
  });

  it('promote delayed jobs and no others', async () => {
    await core.queues.get('default').add('sync', {}, { jobId: 'later', delay: 60_000 });
    const waiting = await enqueue();
    const { done, refused } = await core.actions.promote([{ id: 'later' }, { id: waiting }]);
    assert.deepEqual(done, ['later']);
    assert.match(refused[0]?.why ?? '', /waiting; only delayed/);
    assert.equal(await stateOf('later'), 'waiting');
  });

  it('remove a waiting job for good and free its key', async () => {
    const id = await enqueue();
    assert.deepEqual((await core.actions.remove([{ id }])).done, [id]);
    assert.equal(await stateOf(id), 'unknown');
    await enqueue();
  });

  it('remove no job that carries a schedule of another program, and say so', async () => {
    const queue = core.queues.get('default');
    const job = await queue.upsertJobScheduler('nightly', { pattern: '0 3 * * *' }, { name: 'n' });
    const id = job.id ?? '';
    const { done, refused } = await core.actions.remove([{ id }]);
    assert.deepEqual(done, []);
    assert.match(refused[0]?.why ?? '', /^it carries the schedule default\/nightly .*would stop/);
    assert.equal(await stateOf(id), 'delayed');
    await queue.removeJobScheduler('nightly');
    assert.equal(await stateOf(id), 'unknown');
  });

  it('remove no job that runs', async () => {
    const id = await enqueue();
    let end: () => void = () => undefined;
    const held = new Promise<void>((resolve) => (end = resolve));
    const worker = new Worker('default', () => held, {
      ...{ connection: server.client(), prefix: server.prefix },
    });
    await eventually('the run', async () => (await stateOf(id)) === 'active');
    const { done, refused } = await core.actions.remove([{ id }]);
    assert.deepEqual(done, []);
    assert.match(refused[0]?.why ?? '', /running/);
    end();
    await worker.close();
  });
});
