import assert from 'node:assert/strict';
import { deferred } from '../../../agent/common/deferred.ts';
import { InterlockError } from '../../../agent/common/errors.ts';
import { AgentClient } from '../../../agent/protocol/agentClient.ts';
import { readAgentRecord } from '../../../agent/protocol/agentRecord.ts';
import { notifications, requests } from '../../../agent/protocol/api.ts';
import type { StateDelta, StateSnapshot } from '../../../agent/protocol/model.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';

const CONFIG = {
  jobs: {
    echo: { handler: './echo.ts', isolation: 'inline', queue: 'fast' },
    one: { handler: './echo.ts', isolation: 'inline', unique: { by: [] } },
  },
  schedules: { beat: { job: 'one', every: '1s' } },
};

/** A client's copy of the state. */
class Copy {
  readonly deltas: StateDelta[] = [];
  gaps = 0;
  private constructor(readonly state: StateSnapshot) {}

  static async follow(client: AgentClient): Promise<Copy> {
    const early: StateDelta[] = [];
    const copies: Copy[] = [];
    client.onNotification(
      notifications.delta,
      (delta) => {
        const [copy] = copies;
        if (copy === undefined) early.push(delta);
        else copy.apply(delta);
      },
      (reason) => assert.fail(reason),
    );
    const made = new Copy(await client.request(requests.subscribe, {}));
    copies.push(made);
    for (const delta of early) if (delta.seq > made.state.seq) made.apply(delta);
    return made;
  }

  /** Without what ticks by itself. */
  settled(): unknown {
    const { jobs, queues, decisions, schedules } = this.state;
    return { jobs, queues, decisions, schedules };
  }

  private apply(delta: StateDelta): void {
    if (delta.seq !== this.state.seq + 1) this.gaps += 1;
    this.state.seq = delta.seq;
    this.deltas.push(delta);
    for (const { collection, key, row } of delta.changes) {
      const rows: Record<string, unknown> = this.state[collection];
      if (row === null) Reflect.deleteProperty(rows, key);
      else rows[key] = row;
    }
  }
}

describe('clients of one agent', () => {
  let workspace: TestWorkspace;
  let agent: AgentProcess;

  beforeEach(async function () {
    workspace = makeWorkspace(CONFIG, { 'echo.ts': ECHO_HANDLER });
    agent = await AgentProcess.start(workspace);
  });
  afterEach(async () => {
    await agent.kill();
    // The successor of a killed agent ends what that one left.
    await (await AgentProcess.start(workspace)).stop();
    workspace.remove();
  });

  const count = (copy: Copy, state: 'completed' | 'waiting') =>
    copy.state.queues['fast']?.counts[state] ?? 0;

  it('get the same deltas without a gap, and come to the state of one that comes later', async () => {
    const windows = await Promise.all(
      [agent.connect(), agent.connect()].map(async (c) => Copy.follow(await c)),
    );
    const [first, second] = windows;
    assert.ok(first !== undefined && second !== undefined);
    const driver = await agent.connect();
    const joined: Copy[] = [];
    for (let round = 0; round < 5; round += 1) {
      await Promise.all([
        driver.request(requests.enqueue, { type: 'echo', count: 40 }),
        driver.request(requests.enqueue, { type: 'one', count: 3 }),
        driver.request(requests.pauseQueue, { queue: 'fast' }),
        agent.connect().then(async (client) => joined.push(await Copy.follow(client))),
      ]);
      await driver.request(requests.resumeQueue, { queue: 'fast' });
    }
    const copies = [...windows, ...joined];
    await eventually('all runs', () => copies.every((copy) => count(copy, 'completed') === 200));
    await eventually('every copy to be as a fresh one', async () => {
      const fresh = await Copy.follow(await agent.connect());
      for (const copy of copies) assert.deepEqual(copy.settled(), fresh.settled());
      return true;
    });
    for (const copy of copies) assert.equal(copy.gaps, 0);
    const common = Math.min(first.deltas.length, second.deltas.length);
    const from = Math.max(first.deltas[0]?.seq ?? 0, second.deltas[0]?.seq ?? 0);
    const tail = (copy: Copy) => copy.deltas.slice(0, common).filter((delta) => delta.seq >= from);
    const shared = Math.min(tail(first).length, tail(second).length);
    assert.ok(shared > 3);
    assert.deepEqual(tail(first).slice(0, shared), tail(second).slice(0, shared));
  });

  it('are told nothing more after unsubscribing, and go on as before', async () => {
    const copy = await Copy.follow(agent.client);
    await agent.client.request(requests.unsubscribe, {});
    const before = copy.deltas.length;
    const other = await Copy.follow(await agent.connect());
    await agent.client.request(requests.enqueue, { type: 'echo', count: 5 });
    await eventually('the other to see it', () => count(other, 'completed') === 5);
    assert.equal(copy.deltas.length, before);
  });

  it('see the status change when another one comes and goes', async () => {
    const copy = await Copy.follow(agent.client);
    const clients = () => copy.state.agent['agent']?.clients;
    const other = await agent.connect();
    await eventually('two clients', () => clients() === 2);
    other.dispose();
    await eventually('one client', () => clients() === 1);
  });

  it('are told that the agent leaves, and why, before the connection ends', async () => {
    const reason = deferred<string>();
    const closed = deferred<undefined>();
    agent.client.onNotification(notifications.stopping, (params) => reason.resolve(params.reason));
    agent.client.onClose(() => {
      reason.resolve('(nothing was said)');
      closed.resolve(undefined);
    });
    const other = await agent.connect();
    await other.request(requests.stop, {});
    assert.equal(await reason.promise, 'a client asked for it');
    await closed.promise;
    assert.equal(await agent.ended, 0);
  });

  it('have their requests rejected when the agent is killed', async () => {
    process.kill(agent.pid, 'SIGSTOP');
    const asked = [
      agent.client.request(requests.status, {}),
      agent.client.request(requests.jobs, {}),
      agent.client.request(requests.enqueue, { type: 'echo' }),
    ];
    process.kill(agent.pid, 'SIGKILL');
    for (const outcome of await Promise.allSettled(asked)) {
      assert.ok(outcome.status === 'rejected');
      assert.ok(outcome.reason instanceof InterlockError);
      assert.equal(outcome.reason.code, 'no_agent');
      assert.match(outcome.reason.message, /went away before it answered/);
    }
    await assert.rejects(agent.client.request(requests.status, {}), /went away/);
  });

  it('of a newer version drain it with the token alone', async () => {
    const record = readAgentRecord(agent.stateFolder);
    assert.ok(record !== undefined);
    const client = await AgentClient.open(record);
    await agent.client.request(requests.pauseSchedule, { name: 'beat' });
    await eventually('no run to go on', async () => {
      return (await agent.client.request(requests.status, {})).runsInProgress === 0;
    });
    assert.deepEqual(await client.request(requests.drain, { token: record.token }), {
      runsInProgress: 0,
    });
    assert.equal(await agent.ended, 0);
    client.dispose();
  });
});
