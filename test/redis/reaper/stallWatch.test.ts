import assert from 'node:assert/strict';
import { Queue, type Worker } from 'bullmq';
import { systemClock } from '../../../agent/common/clock.ts';
import { EventTail } from '../../../agent/feed/eventTail.ts';
import type { Decision } from '../../../agent/protocol/decision.ts';
import { startBareWorker, type BareWorkerOptions } from '../../harness/bareWorker.ts';
import type { StartedProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { announce, makeRecovery, runJob, type RecoveryCore } from './recoveryCore.ts';

const CONFIG = { jobs: { ours: { handler: 'x', queue: 'declared' } } };
/** Longer than any wait of these tests. */
const FOR_EVER_MS = 600_000;

describe('jobs that stall in workers outside Interlock', () => {
  let server: RedisServer;
  let agents: RecoveryCore[];
  let ends: (() => unknown)[];

  before(async () => (server = await RedisServer.start()));
  after(() => server.stop());
  beforeEach(async () => {
    await server.flush();
    agents = [];
    ends = [];
  });
  afterEach(async () => {
    for (const agent of agents) agent.recovery.close();
    await Promise.all(ends.map((end) => end()));
    await Promise.all(agents.map((agent) => agent.recovery.stalls.ended));
  });

  /** An agent that watches a queue, as its events come. */
  async function watch(queue: string): Promise<RecoveryCore> {
    const agent = makeRecovery(server, { config: CONFIG });
    agents.push(agent);
    await agent.registry.start();
    await eventually('the queue to be known', async () => {
      await agent.queues.discover();
      return agent.queues.names().includes(queue);
    });
    const stream = agent.keys.queue(queue, 'events');
    const tail = new EventTail(server.client(), [stream], systemClock, (_stream, entries) =>
      agent.recovery.stalls.told(queue, entries),
    );
    tail.start();
    agent.recovery.start();
    ends.push(
      () => tail.close(),
      () => agent.registry.close(),
    );
    return agent;
  }

  async function bare(options: Omit<BareWorkerOptions, 'url'>): Promise<StartedProcess> {
    const started = await startBareWorker({ url: server.url, prefix: server.prefix, ...options });
    ends.push(() => started.child.kill('SIGKILL'));
    return started;
  }

  function queueOf(name: string): Queue {
    const queue = new Queue(name, { connection: server.client(), prefix: server.prefix });
    queue.on('error', () => undefined);
    ends.push(() => queue.close());
    return queue;
  }

  const rowOf = async ({ reader }: RecoveryCore, queue: string, id: string) =>
    (await reader.newest(queue, 'active', 10)).find((row) => row.id === id);

  /** Waits until the watchers have seen whose run it is. */
  async function running(queue: Queue, data: object): Promise<string> {
    const { id = '' } = await queue.add('bill', data);
    await eventually('the run to be seen', () =>
      agents.every(
        ({ recovery }) => recovery.seen.of({ queue: queue.name, id, starts: 1 }) !== undefined,
      ),
    );
    return id;
  }

  const told = (): Promise<Decision> =>
    eventually('the decision', async () => (await agents[0]?.recorded())?.[0]);

  it('are explained once, by the events of BullMQ, with two agents that watch', async () => {
    const queue = queueOf('billing');
    await watch('billing');
    await watch('billing');
    await bare({ queue: 'billing', name: 'invoices', lockDuration: 2_500 });
    const id = await running(queue, { blockMs: FOR_EVER_MS, waitMs: FOR_EVER_MS });
    await bare({ queue: 'billing', name: 'checker', stalledInterval: 300 });
    const decision = await told();
    assert.deepEqual(
      [decision.action, decision.subject, decision.outcome, decision.reason, decision.jobId],
      ['stall', 'bill', 'rescheduled', 'lock_not_renewed', id],
    );
    assert.deepEqual(decision.stall, {
      ...{ worker: 'invoices', address: null, connected: true, start: 1, stalls: 1 },
      ...{ attemptsMade: 0, movedBy: 'bullmq', next: 'started', nextWorker: 'worker "checker"' },
    });
    const remedy = decision.remedy ?? '';
    assert.match(remedy, /worker "invoices", which Interlock did not start/);
    assert.match(remedy, /one of: .*breakpoint.*event loop/);
    assert.match(remedy, /started again in worker "checker": start 2 of the same job/);
    for (const setting of ['lockDuration', 'stalledInterval', 'maxStalledCount', 'concurrency'])
      assert.ok(remedy.includes(`"${setting}"`), setting);
    await Promise.all(agents.map(({ recovery }) => recovery.stalls.settled));
    assert.equal((await agents[0]?.recorded())?.length, 1);
  });

  it('that stalled too often are told as failed, with the option that says how often they may', async () => {
    const queue = queueOf('billing');
    const agent = await watch('billing');
    await bare({ queue: 'billing', lockDuration: 2_500 });
    const id = await running(queue, { blockMs: FOR_EVER_MS });
    await bare({ queue: 'billing', name: 'checker', stalledInterval: 300, maxStalledCount: 0 });
    const decision = await told();
    assert.deepEqual(
      [decision.outcome, decision.stall?.next, decision.stall?.worker],
      ['refused', 'failed', null],
    );
    assert.match(decision.remedy ?? '', /"job stalled more than allowable limit".*maxStalledCount/);
    assert.equal((await agent.reader.detail(id, 'billing')).state, 'failed');
  });

  it('in a queue of the config are put back by Interlock, and told once by whoever does it', async () => {
    const queue = queueOf('declared');
    await watch('declared');
    await watch('declared');
    const worker = await bare({ queue: 'declared', name: 'invoices', lockDuration: 2_500 });
    await running(queue, { blockMs: FOR_EVER_MS });
    worker.child.kill('SIGKILL');
    const decision = await told();
    const { movedBy, next, connected, worker: name } = decision.stall ?? {};
    assert.deepEqual(
      [decision.action, movedBy, next, connected, name],
      ['stall', 'interlock', 'waits', false, 'invoices'],
    );
    assert.match(decision.remedy ?? '', /process was killed or ended/);
    await Promise.all(agents.map(({ recovery }) => recovery.stalls.settled));
    assert.equal((await agents[0]?.recorded())?.length, 1);
  });

  it('are none when the run was one of an agent, whoever puts the job back', async () => {
    const queue = queueOf('billing');
    const agent = await watch('billing');
    const run = await runJob(server, queue, 'bill', { name: 'frozen', lockMs: 1_500 });
    ends.push(() => run.worker.close(true));
    await announce(agent, { ...agent.holder, agentId: 'frozen' }, [run.worker.id]);
    await agent.recovery.peers.refresh();
    const checker = await bare({ queue: 'billing', name: 'checker', stalledInterval: 300 });
    const { redis, keys } = agent;
    await eventually('the stall', async () => {
      const events = await redis.xrange(keys.queue('billing', 'events'), '-', '+');
      return events.some(([, fields]) => fields.includes('stalled'));
    });
    await eventually('the second run', async () => (await run.job.getState()) === 'completed');
    await agent.recovery.stalls.settled;
    assert.deepEqual(await agent.recorded(), []);
    checker.child.kill('SIGKILL');
  });

  it('are shown while they run: whose they are, and until when their lock lasts', async () => {
    const queue = queueOf('billing');
    const agent = await watch('billing');
    await bare({ queue: 'billing', name: 'invoices', lockDuration: 20_000 });
    const { id = '' } = await queue.add('bill', { waitMs: FOR_EVER_MS });
    const row = await eventually('the run', () => rowOf(agent, 'billing', id));
    assert.deepEqual([row.outside?.worker, row.outside?.address], ['invoices', null]);
    const leftMs = Date.parse(row.outside?.lockEndsAt ?? '') - Date.now();
    assert.ok(leftMs > 5_000 && leftMs < 21_000, `${leftMs} ms`);
    const own = queueOf('declared');
    const hung = await runJob(server, own, 'ours', { name: agent.holder.agentId });
    const workers: Worker[] = [hung.worker];
    ends.push(() => Promise.all(workers.map((worker) => worker.close(true))));
    await agent.registry.announce({ workers: [hung.worker.id] });
    const ours = await rowOf(agent, 'declared', hung.job.id ?? '');
    assert.deepEqual([ours?.type, ours?.outside], ['ours', undefined]);
    // BullMQ keeps the name of the worker before where the present one has none.
    await agent.redis.set(agent.keys.jobLock('declared', ours?.id ?? ''), 'another:1');
    const theirs = await rowOf(agent, 'declared', ours?.id ?? '');
    assert.deepEqual(theirs?.outside, { worker: null, address: null, lockEndsAt: null });
  });
});
