import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { requests } from '../../../agent/protocol/api.ts';
import type { Decision } from '../../../agent/protocol/decision.ts';
import { STREAM_LEASE_TTL_MS } from '../../../agent/streams/pool/streamContext.ts';
import { startFeedServer, type FeedServer } from '../../../examples/market/feed/feedServer.mjs';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { isAlive } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import {
  ECHO_HANDLER,
  makeWorkspace,
  WAIT_HANDLER,
  type TestWorkspace,
} from '../../harness/workspace.ts';

/** On another host nothing proves a death: the lock has to end. */
const TTL_MS = 2_000;
/** So long that a slow machine can not take the end of a lock for the proof of a death. */
const LONG_TTL_MS = 60_000;

describe('when an agent dies', () => {
  let server: TestRedis;
  let feed: FeedServer;
  let workspace: TestWorkspace;
  let agents: AgentProcess[];
  let trace: string;
  let until: string;

  before(async () => {
    server = await startTestRedis();
    feed = await startFeedServer({ port: 0, ratePerSecond: 100 });
  });
  after(async () => {
    await feed.close();
    await server.stop();
  });
  beforeEach(async () => {
    await server.flush();
    agents = [];
    workspace = makeWorkspace(
      {
        redis: { url: server.url, prefix: server.prefix },
        jobs: {
          wait: { handler: './wait.ts', queue: 'wait', lease: { ttl: TTL_MS }, unique: { by: [] } },
          slow: { handler: './wait.ts', queue: 'slow', lease: { ttl: LONG_TTL_MS } },
          echo: { handler: './echo.ts' },
        },
        schedules: { hourly: { job: 'echo', every: '1h' } },
        streams: {
          nse: { url: `ws://127.0.0.1:${feed.port}`, symbols: ['NSE:TCS25JULFUT'], job: 'echo' },
        },
      },
      { 'wait.ts': WAIT_HANDLER, 'echo.ts': ECHO_HANDLER },
    );
    trace = path.join(workspace.folder, 'trace');
    until = path.join(workspace.folder, 'until');
  });
  afterEach(async () => {
    writeFileSync(until, '');
    await Promise.all(agents.map((agent) => agent.kill()));
    workspace.remove();
  });

  async function start(hostId?: string): Promise<AgentProcess> {
    const stateFolder = `${workspace.stateFolder}${agents.length}`;
    const env = hostId === undefined ? {} : { INTERLOCK_HOST_ID: hostId };
    const agent = await AgentProcess.start(workspace, { stateFolder, env });
    agents.push(agent);
    return agent;
  }

  /** Process id and fence of each run that has begun. */
  const runs = () =>
    existsSync(trace)
      ? readFileSync(trace, 'utf8')
          .trim()
          .split('\n')
          .map((line) => line.split(' ').map(Number))
      : [];

  /** Two agents, of which the first one runs a job. */
  async function runningPair(type: string, hosts: [string?, string?] = []) {
    const first = await start(hosts[0]);
    const [decision] = await first.client.request(requests.enqueue, {
      type,
      data: { until, trace },
    });
    await eventually('the run', () => runs().length === 1);
    const second = await start(hosts[1]);
    return { first, second, id: decision?.jobId ?? '' };
  }

  async function finish(agent: AgentProcess, id: string): Promise<void> {
    writeFileSync(until, '');
    await eventually('its end', async () => {
      const { state } = await agent.client.request(requests.job, { id });
      return state === 'completed';
    });
  }

  const takeoverOf = async (agent: AgentProcess, subject: string): Promise<Decision> =>
    eventually('the decision', async () => {
      const { rows } = await agent.client.request(requests.decisions, { subject });
      return rows.find(({ action }) => action === 'takeover');
    });

  it('its job starts again on this host long before its lock would end, and once', async () => {
    const { first, second, id } = await runningPair('slow');
    const [[oldHandler = 0, oldFence = 0] = []] = runs();
    const killedAt = performance.now();
    await first.kill();
    await eventually('the second run', () => runs().length === 2, { everyMs: 5 });
    const took = performance.now() - killedAt;
    assert.equal(isAlive(oldHandler), false, 'the former handler process has left before');
    assert.ok(took < LONG_TTL_MS / 4, `${took} ms`);
    const [, [, newFence = 0] = []] = runs();
    assert.ok(newFence > oldFence, `${newFence} after ${oldFence}`);
    const decision = await takeoverOf(second, 'slow');
    assert.deepEqual(
      [decision.reason, decision.jobId, decision.holder?.pid, decision.holder?.alive],
      ['holder_dead', id, first.pid, false],
    );
    await finish(second, id);
    const job = await second.client.request(requests.job, { id });
    assert.deepEqual([job.attemptsMade, runs().length], [1, 2]);
    const { rows } = await second.client.request(requests.history, { type: 'slow' });
    assert.deepEqual(rows.map(({ status, worker }) => [status, worker?.pid]).sort(), [
      ['completed', second.pid],
      ['lost', first.pid],
    ]);
  });

  it('its job starts again on another host when its lock has ended', async () => {
    const { first, second, id } = await runningPair('wait', ['host-a', 'host-b']);
    await first.kill();
    await eventually('the second run', () => runs().length === 2, { everyMs: 5 });
    assert.equal((await takeoverOf(second, 'wait')).reason, 'lease_lost');
    await finish(second, id);
    assert.equal(runs().length, 2);
  });

  it('that is frozen keeps its job until the lock ends, and does no harm when it thaws', async () => {
    const { first, second, id } = await runningPair('wait');
    process.kill(first.pid, 'SIGSTOP');
    try {
      const frozenAt = performance.now();
      await eventually('the second run', () => runs().length === 2, { everyMs: 5 });
      assert.ok(performance.now() - frozenAt > TTL_MS / 3, 'not before its lock has ended');
      const [[oldHandler = 0, oldFence = 0] = [], [, newFence = 0] = []] = runs();
      assert.equal(isAlive(oldHandler), false, 'its handler process has ended itself');
      assert.ok(newFence > oldFence);
    } finally {
      process.kill(first.pid, 'SIGCONT');
    }
    await eventually('it to answer', () => first.client.request(requests.status, {}));
    await finish(second, id);
    assert.equal(runs().length, 2);
  });

  for (const how of ['killed', 'stopped'] as const) {
    it(`its scheduler lock and its stream go to the other at once when it is ${how}`, async () => {
      const first = await start();
      const holders = async (agent: AgentProcess) =>
        (await agent.client.request(requests.locks, {})).rows
          .filter(({ kind, holder }) => kind !== 'dedup' && holder?.pid === agent.pid)
          .map(({ name }) => name)
          .sort();
      const both = ['scheduler:global_lock', 'stream:nse'];
      const hasBoth = async (agent: AgentProcess) =>
        (await holders(agent)).filter((name) => both.includes(name)).length === 2;
      await eventually('the first to hold both', () => hasBoth(first));
      const second = await start();
      // The other has listed its peers, which it does each second.
      const startedAt = performance.now();
      await eventually('a moment', () => performance.now() - startedAt > 1_200);
      if (how === 'killed') await first.kill();
      else await first.stop();
      const from = performance.now();
      await eventually('the second to hold both', () => hasBoth(second), { everyMs: 5 });
      const took = performance.now() - from;
      // Renewed at a third, its lease could not have ended before that.
      assert.ok(took < (STREAM_LEASE_TTL_MS * 2) / 3, `${took} ms`);
    });
  }
});
