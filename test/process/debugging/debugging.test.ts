import assert from 'node:assert/strict';
import { requests } from '../../../agent/protocol/api.ts';
import type { AgentProcess } from '../../harness/agentProcess.ts';
import { CdpDebugger } from '../../harness/cdpDebugger.ts';
import { childrenOf } from '../../harness/childrenOf.ts';
import { eventually } from '../../harness/eventually.ts';
import { BREAK_LINE, DebugBench } from './debugBench.ts';
import { listeningPorts } from './listeningPorts.ts';

const FAR_MS = 600_000;

describe('a run under a debugger', () => {
  let bench: DebugBench;
  let agent: AgentProcess;
  beforeEach(async () => {
    bench = await DebugBench.start();
    agent = await bench.agent();
  });
  afterEach(() => bench.stop());

  const waiting = (data: object = { a: 1, b: 2 }) =>
    bench.enqueue(agent.client, 'add', data, FAR_MS);
  const debugWaiting = async () => {
    const jobId = await waiting();
    const row = await agent.client.request(requests.debugJob, { id: jobId });
    return { jobId, row };
  };

  it('stands still at a breakpoint, shows its values, and completes with a changed one', async () => {
    const { jobId, row } = await debugWaiting();
    const cdp = await bench.breakIn(agent.client, row);
    const { pausedAt } = await bench.inState(agent.client, row.id, 'paused');
    assert.match(pausedAt ?? '', new RegExp(`/add\\.ts:${BREAK_LINE}$`));
    assert.equal(await cdp.evaluate('sum'), 3);
    await cdp.evaluate('sum = 40 + sum - 1');
    cdp.resume();
    const job = await bench.jobEnded(agent.client, jobId);
    assert.deepEqual([job.state, job.result, job.attemptsMade], ['completed', { sum: 42 }, 1]);
    await bench.inState(agent.client, row.id, 'ended');
    await eventually('its process to be gone', () => childrenOf(agent.pid).length === 0);
    assert.equal(bench.starts().length, 1);
    const { rows } = await agent.client.request(requests.history, { type: 'add' });
    assert.ok((rows[0]?.pausedMs ?? 0) > 0);
  });

  it('lets one debugger in, once, with an address that nobody can guess', async () => {
    const { row } = await debugWaiting();
    await bench.inState(agent.client, row.id, 'ready');
    const { url } = await agent.client.request(requests.attachDebugger, { id: row.id });
    const wrong = url.replace(/[^/]+$/, 'x');
    await assert.rejects(CdpDebugger.attach(wrong, []), /404|socket hang up|Unexpected/);
    const cdp = await CdpDebugger.attach(url, [['add.ts', BREAK_LINE]]);
    await assert.rejects(CdpDebugger.attach(url, []));
    await assert.rejects(agent.client.request(requests.attachDebugger, { id: row.id }), /wait/);
    await cdp.paused();
    assert.doesNotMatch(agent.output(), /ws:\/\//);
    cdp.resume();
    await bench.inState(agent.client, row.id, 'ended');
  });

  it('keeps its lock, raises no alert, and starts nowhere else while it stands still', async () => {
    const other = await bench.agent();
    const { jobId, row } = await debugWaiting();
    const cdp = await bench.breakIn(agent.client, row);
    await eventually('the other agent to show it', async () => {
      return (await bench.rowOf(other.client, row.id))?.state === 'paused';
    });
    // Longer than BullMQ's lock, and than the thresholds of age.
    await eventually('a while', async () => {
      const paused = await bench.rowOf(agent.client, row.id);
      return Date.now() - Date.parse(paused?.pausedSince ?? '') > 8_000;
    });
    for (const one of [agent, other]) {
      assert.deepEqual((await one.client.request(requests.status, {})).alerts, []);
    }
    const { rows } = await other.client.request(requests.locks, { kind: 'run' });
    assert.deepEqual(
      rows.map(({ job, holder }) => [job?.id, holder?.pid]),
      [[jobId, agent.pid]],
    );
    cdp.resume();
    assert.equal((await bench.jobEnded(agent.client, jobId)).attemptsMade, 1);
    assert.equal(bench.starts().length, 1);
  });

  it('of a job that has ended is a replay, with its payload or another', async () => {
    const first = await bench.enqueue(agent.client, 'add', { a: 1, b: 2 });
    await bench.jobEnded(agent.client, first);
    const row = await agent.client.request(requests.debugJob, {
      ...{ id: first, data: { a: 20, b: 22 } },
    });
    assert.equal(row.replayOf, `default/${first}`);
    const cdp = await bench.breakIn(agent.client, row);
    cdp.resume();
    const again = await bench.jobEnded(agent.client, row.job?.id ?? '');
    assert.deepEqual(again.result, { sum: 42 });
    const original = await agent.client.request(requests.job, { id: first });
    assert.deepEqual([original.data, original.result], [{ a: 1, b: 2 }, { sum: 3 }]);
    assert.deepEqual(
      bench.starts().map(([id, , isReplay]) => [id, isReplay]),
      [
        [first, false],
        [again.id, true],
      ],
    );
  });

  it('is the next one of its type, whichever agent is given the job', async () => {
    const other = await bench.agent();
    const row = await agent.client.request(requests.debugNext, { type: 'add' });
    assert.equal(row.state, 'armed');
    await eventually('the other to know', async () => {
      return (await bench.rowOf(other.client, row.id))?.state === 'armed';
    });
    const jobId = await bench.enqueue(other.client, 'add', { a: 1, b: 2 });
    const cdp = await bench.breakIn(agent.client, row);
    assert.equal((await bench.rowOf(agent.client, row.id))?.job?.id, jobId);
    // Others of its type run as usual.
    const next = await bench.enqueue(other.client, 'add', { a: 2, b: 2 });
    assert.equal((await bench.jobEnded(other.client, next)).state, 'completed');
    cdp.resume();
    assert.equal((await bench.jobEnded(agent.client, jobId)).attemptsMade, 1);
  });

  it('has a process of its own also when its type runs inside the agent', async () => {
    const row = await agent.client.request(requests.debugNew, {
      ...{ type: 'inline', data: { a: 1, b: 1 } },
    });
    assert.equal(row.movedOut, true);
    const cdp = await bench.breakIn(agent.client, row);
    await agent.client.request(requests.status, {});
    cdp.resume();
    assert.deepEqual((await bench.jobEnded(agent.client, row.job?.id ?? '')).result, { sum: 2 });
  });

  it('stands still in its thread of the agent, and other threads go on', async () => {
    const { client, pid } = agent;
    const beside = async () => {
      const id = await bench.enqueue(client, 'beside', {});
      assert.equal((await bench.jobEnded(client, id)).state, 'completed');
    };
    await beside();
    const row = await client.request(requests.debugNew, { type: 'threaded', data: { a: 1, b: 2 } });
    assert.equal(row.movedOut, false);
    await bench.inState(client, row.id, 'ready');
    assert.deepEqual(listeningPorts(pid), []);
    const cdp = await bench.breakIn(client, row);
    const { pausedAt } = await bench.inState(client, row.id, 'paused');
    assert.match(pausedAt ?? '', new RegExp(`/add\\.ts:${BREAK_LINE}$`));
    // An inspector of the agent would be one more port: the gate has closed its own.
    assert.deepEqual([listeningPorts(pid), childrenOf(pid)], [[], []]);
    await beside();
    const next = await bench.enqueue(client, 'threaded', { a: 2, b: 2 });
    assert.deepEqual((await bench.jobEnded(client, next)).result, { sum: 4 });
    assert.equal(await cdp.evaluate('sum'), 3);
    await cdp.evaluate('sum = 42');
    cdp.resume();
    assert.deepEqual((await bench.jobEnded(client, row.job?.id ?? '')).result, { sum: 42 });
    await bench.inState(client, row.id, 'ended');
    await eventually('the debugger to be told', () => cdp.isClosed);
    await beside();
    assert.deepEqual(listeningPorts(pid), []);
  });

  it('in a thread shows that thread alone, and never the agent', async () => {
    const row = await agent.client.request(requests.debugNew, {
      ...{ type: 'threaded', data: { a: 1, b: 2 } },
    });
    const cdp = await bench.breakIn(agent.client, row);
    const expression = "require('node:worker_threads').isMainThread";
    const asked = { expression, includeCommandLineAPI: true, returnByValue: true };
    assert.deepEqual(await cdp.ask('Runtime.evaluate', asked), {
      result: { type: 'boolean', value: false },
    });
    // Node has no such domain in a thread: it leads to no other one.
    assert.equal(await cdp.ask('NodeWorker.enable', { waitForDebuggerOnStart: true }), undefined);
    cdp.resume();
    await bench.jobEnded(agent.client, row.job?.id ?? '');
  });

  it('is refused for a job that runs, that is gone, or whose queue is paused', async () => {
    await agent.client.request(requests.pauseQueue, { queue: 'default' });
    const id = await waiting();
    await assert.rejects(agent.client.request(requests.debugJob, { id }), /queue is paused/);
    assert.equal((await agent.client.request(requests.job, { id })).state, 'delayed');
    await agent.client.request(requests.resumeQueue, { queue: 'default' });
    const row = await agent.client.request(requests.debugJob, { id });
    const cdp = await bench.breakIn(agent.client, row);
    await assert.rejects(agent.client.request(requests.debugJob, { id }), /runs already/);
    cdp.resume();
    await assert.rejects(agent.client.request(requests.debugJob, { id: 'no' }), /no job no/);
  });

  it('comes in under the rule of its type: one key, one run', async () => {
    const first = await bench.enqueue(agent.client, 'one', { a: 1, b: 2 }, FAR_MS);
    const row = await agent.client.request(requests.debugJob, { id: first });
    const cdp = await bench.breakIn(agent.client, row);
    await assert.rejects(
      agent.client.request(requests.debugNew, { type: 'one', data: { a: 1, b: 3 } }),
      new RegExp(`job ${first} is active`),
    );
    cdp.resume();
    await bench.jobEnded(agent.client, first);
  });
});
