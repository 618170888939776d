import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { requests } from '../../../agent/protocol/api.ts';
import { DebugBench } from './debugBench.ts';

/** `npm run test:breakpoint` holds it longer. */
const HELD_MS = Number(process.env['INTERLOCK_HELD_MINUTES'] ?? '2') * 60_000;
const LOOK_EVERY_MS = 1_000;

describe(`a breakpoint that is held for ${HELD_MS / 60_000} min, with two agents that compete`, function () {
  this.timeout(HELD_MS + 120_000);
  let bench: DebugBench;
  before(async () => (bench = await DebugBench.start()));
  after(() => bench.stop());

  it('starts nothing a second time, loses no lock, and raises no alert', async () => {
    const agent = await bench.agent();
    const others = [await bench.agent(), await bench.agent()];
    const jobId = await bench.enqueue(agent.client, 'add', { a: 1, b: 2 }, 24 * 3_600_000);
    const row = await agent.client.request(requests.debugJob, { id: jobId });
    const cdp = await bench.breakIn(agent.client, row);
    const endsAt = Date.now() + HELD_MS;
    let fence: number | null | undefined;
    let beside = 0;
    while (Date.now() < endsAt) {
      const { rows } = await agent.client.request(requests.locks, { kind: 'run' });
      const lock = rows.find(({ job }) => job?.id === jobId);
      assert.equal(lock?.holder?.pid, agent.pid);
      fence ??= lock.fence;
      assert.equal(lock.fence, fence);
      assert.equal(bench.starts().length, 1);
      for (const one of [agent, ...others])
        assert.deepEqual((await one.client.request(requests.status, {})).alerts, []);
      // What else is there goes on.
      const other = await bench.enqueue(agent.client, 'echo', { beside });
      assert.equal((await bench.jobEnded(agent.client, other)).state, 'completed');
      beside += 1;
      await delay(Math.min(LOOK_EVERY_MS, Math.max(0, endsAt - Date.now())));
    }
    cdp.resume();
    const job = await bench.jobEnded(agent.client, jobId);
    assert.deepEqual([job.state, job.attemptsMade, job.result], ['completed', 1, { sum: 3 }]);
    assert.equal(bench.starts().length, 1);
    const { rows } = await agent.client.request(requests.history, { type: 'add' });
    assert.equal(rows.length, 1);
    const [run] = rows;
    assert.ok(run !== undefined && run.pausedMs >= HELD_MS && run.durationMs < HELD_MS);
    const { rows: taken } = await agent.client.request(requests.decisions, { action: 'takeover' });
    assert.deepEqual(taken, []);
    process.stdout.write(
      `      held ${run.pausedMs} ms, run time ${run.durationMs} ms, ${beside} other jobs`,
    );
  });
});
