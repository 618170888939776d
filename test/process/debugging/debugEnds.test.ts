import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { requests } from '../../../agent/protocol/api.ts';
import type { DebugRow } from '../../../agent/protocol/debug.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import type { AgentProcess } from '../../harness/agentProcess.ts';
import type { CdpDebugger } from '../../harness/cdpDebugger.ts';
import { isAlive } from '../../harness/childProcess.ts';
import { childrenOf } from '../../harness/childrenOf.ts';
import { eventually } from '../../harness/eventually.ts';
import { DebugBench } from './debugBench.ts';
import { listeningPorts } from './listeningPorts.ts';

/** Job types that run in each kind. */
const TYPES = { process: 'add', thread: 'threaded' };

for (const kind of ['process', 'thread'] as const)
  describe(`the end of a run under a debugger, in a ${kind}`, () => {
    const type = TYPES[kind];
    let bench: DebugBench;
    let agent: AgentProcess;
    let jobId: string;
    let row: DebugRow;
    let cdp: CdpDebugger;
    /** None for a thread. */
    let handlers: number[];
    /** Of the agent, when nothing was debugged yet. */
    let threads: number;

    beforeEach(async () => {
      bench = await DebugBench.start();
      agent = await bench.agent();
      threads = threadsOf(agent.pid);
      jobId = await bench.enqueue(agent.client, type, { a: 1, b: 2 }, 600_000);
      row = await agent.client.request(requests.debugJob, { id: jobId });
      cdp = await bench.breakIn(agent.client, row);
      await bench.inState(agent.client, row.id, 'paused');
      handlers = childrenOf(agent.pid);
      assert.equal(handlers.length, kind === 'process' ? 1 : 0);
      for (const pid of handlers)
        assert.equal(listeningPorts(pid).length, 1, 'its inspector, on loopback');
      assert.deepEqual(listeningPorts(agent.pid), []);
    });
    afterEach(() => bench.stop());

    const end = (how: 'give_back' | 'fail' | 'go_on') =>
      agent.client.request(requests.endDebug, { id: row.id, how });
    const job = () => agent.client.request(requests.job, { id: jobId });
    /** No process, no thread, no port, no lock, and other jobs run. */
    const nothingIsLeft = async () => {
      await eventually('its process to be gone', () => !handlers.some(isAlive));
      await eventually('its thread to be gone', () => threadsOf(agent.pid) <= threads);
      const locks = await bench.redis.client().keys(`${new Keys('bull').prefix}:*:lock`);
      assert.deepEqual(locks, []);
      assert.deepEqual(listeningPorts(agent.pid), []);
      const other = await bench.enqueue(agent.client, 'echo', {});
      assert.equal((await bench.jobEnded(agent.client, other)).state, 'completed');
    };

    it('continued: the job completes', async () => {
      cdp.resume();
      assert.deepEqual((await bench.jobEnded(agent.client, jobId)).result, { sum: 3 });
      await nothingIsLeft();
    });

    it('stopped, given back: the job waits again and has used up no attempt', async () => {
      cdp.close();
      await bench.inState(agent.client, row.id, 'left');
      await agent.client.request(requests.pauseQueue, { queue: 'default' });
      await end('give_back');
      await eventually('it to wait', async () => (await job()).state === 'waiting');
      assert.equal((await job()).attemptsMade, 0);
      await agent.client.request(requests.resumeQueue, { queue: 'default' });
      assert.deepEqual((await bench.jobEnded(agent.client, jobId)).attemptsMade, 1);
      assert.equal(bench.starts().length, 2);
      const { rows } = await agent.client.request(requests.history, { type });
      assert.deepEqual(rows.map(({ status }) => status).sort(), ['completed', 'returned']);
      await nothingIsLeft();
    });

    it('stopped, failed: its attempt has failed, and the next one runs by itself', async () => {
      cdp.close();
      await bench.inState(agent.client, row.id, 'left');
      await end('fail');
      assert.equal((await bench.jobEnded(agent.client, jobId)).attemptsMade, 2);
      assert.match((await job()).stacktrace.join(''), /person who debugged/);
      await nothingIsLeft();
    });

    it('stopped, let go on: it completes without a debugger, and its inspector is closed', async () => {
      cdp.close();
      await bench.inState(agent.client, row.id, 'left');
      await end('go_on');
      assert.deepEqual((await bench.jobEnded(agent.client, jobId)).result, { sum: 3 });
      assert.equal(bench.starts().length, 1);
      await nothingIsLeft();
    });

    it('its window is closed: it goes on by itself', async () => {
      const window = await agent.connect();
      const second = await bench.enqueue(agent.client, type, { a: 2, b: 2 }, 600_000);
      const theirs = await window.request(requests.debugJob, { id: second });
      const debug = await bench.breakIn(agent.client, theirs);
      window.dispose();
      debug.close();
      assert.deepEqual((await bench.jobEnded(agent.client, second)).result, { sum: 4 });
      cdp.resume();
      await bench.jobEnded(agent.client, jobId);
      await nothingIsLeft();
    });

    it('its debugger is gone and then its window: it goes on by itself', async () => {
      const window = await agent.connect();
      const second = await bench.enqueue(agent.client, type, { a: 2, b: 2 }, 600_000);
      const theirs = await window.request(requests.debugJob, { id: second });
      const debug = await bench.breakIn(agent.client, theirs);
      debug.close();
      await bench.inState(agent.client, theirs.id, 'left');
      window.dispose();
      assert.deepEqual((await bench.jobEnded(agent.client, second)).result, { sum: 4 });
      cdp.resume();
      await bench.jobEnded(agent.client, jobId);
      await nothingIsLeft();
    });

    if (kind === 'process')
      it('its process is killed: the attempt has failed, and the next one runs', async () => {
        for (const pid of handlers) process.kill(pid, 'SIGKILL');
        assert.equal((await bench.jobEnded(agent.client, jobId)).attemptsMade, 2);
        assert.equal((await job()).state, 'completed');
        await nothingIsLeft();
      });

    it('its agent is killed: the job comes back once, and its handler has left before', async () => {
      const other = await bench.agent();
      threads = threadsOf(other.pid);
      await agent.kill();
      agent = other;
      assert.equal((await bench.jobEnded(other.client, jobId)).state, 'completed');
      assert.equal(handlers.some(isAlive), false);
      const starts = bench.starts();
      assert.deepEqual([starts.length, (starts[1]?.[1] ?? 0) > (starts[0]?.[1] ?? 0)], [2, true]);
      await nothingIsLeft();
    });

    it('its agent is told to end: the job is given back, and nothing waits for the person', async () => {
      const other = await bench.agent();
      threads = threadsOf(other.pid);
      await agent.stop();
      agent = other;
      const ended = await bench.jobEnded(other.client, jobId);
      assert.equal(ended.state, 'completed');
      await nothingIsLeft();
    });
  });

/** Threads of a process; Linux only. */
function threadsOf(pid: number): number {
  return readdirSync(`/proc/${pid}/task`).length;
}
