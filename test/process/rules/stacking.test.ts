import assert from 'node:assert/strict';
import { eventually } from '../../harness/eventually.ts';
import { RuleBench } from './ruleBench.ts';

const GATED = { handler: './jobs/gated.ts', concurrency: 8 };

const CONFIG = {
  jobs: {
    both: { ...GATED, unique: { by: ['key'] } },
    limited: { ...GATED, queue: 'limited', maxConcurrent: 2 },
    retried: {
      ...{ ...GATED, queue: 'limited', maxConcurrent: 1 },
      retry: { max: 1, intervals: ['1h'] },
    },
    monitor: { ...GATED, queue: 'monitors', monitoring: true },
    ranked: { ...GATED, queue: 'ranked', concurrency: 1, unique: { by: ['key'] } },
  },
};

describe('no stacking, through the command', function () {
  let bench: RuleBench;

  before(async () => (bench = await RuleBench.start(CONFIG)));
  after(() => bench.stop());

  describe('maxConcurrent', () => {
    const outcomesOf = (decisions: { outcome: string }[]) =>
      decisions.map(({ outcome }) => (outcome === 'accepted' ? 'accepted' : 'refused')).sort();

    it('lets in as many as it says, of different payloads too, and tells the counts', async () => {
      const ten = await bench.enqueueMany('limited', 10, { gate: 'limited' });
      assert.deepEqual(outcomesOf(ten), [
        ...Array<string>(2).fill('accepted'),
        ...Array<string>(8).fill('refused'),
      ]);
      const refused = ten.filter(({ outcome }) => outcome !== 'accepted');
      const accepted = ten.filter(({ outcome }) => outcome === 'accepted');
      for (const decision of refused) {
        assert.equal(decision.reason, 'concurrency_limit');
        assert.deepEqual(decision.counts, { queuedOrRunning: 2, limit: 2 });
        assert.ok(accepted.some(({ jobId }) => jobId === decision.survivor?.jobId));
        assert.match(decision.remedy ?? '', /raise "maxConcurrent" of limited/);
      }
      const text = await bench.run('enqueue', 'limited', '--data', '{"gate":"limited"}');
      assert.equal(text.code, 0);
      assert.match(text.stdout, /at most 2 may be queued or running/);
      const lines = bench.logLines({ action: 'enqueue', job_type: 'limited' });
      assert.equal(lines.length, 9);
      assert.ok(lines.every((line) => line['reason'] === 'concurrency_limit'));
      assert.ok(lines.every((line) => line['pending_count'] === 2));
    });

    it('gives a place free when its job completes', async () => {
      const running = await eventually('both to run', () => {
        const starts = bench.trace((line) => line.type === 'limited' && line.what === 'start');
        return starts.length === 2 && starts;
      });
      bench.open('limited');
      for (const { id } of running) await bench.inState(id, 'completed');
      const three = await bench.enqueueMany('limited', 3, { gate: 'removed' });
      assert.deepEqual(outcomesOf(three), ['accepted', 'accepted', 'refused']);
      bench.open('removed');
      for (const { jobId, outcome } of three)
        if (outcome === 'accepted') await bench.inState(jobId, 'completed');
    });

    it('gives a place free when its job fails for good, or is removed', async () => {
      const [first, second] = await bench.enqueueMany('limited', 2, { fail: true });
      assert.deepEqual([first?.outcome, second?.outcome], ['accepted', 'accepted']);
      for (const decision of [first, second]) await bench.inState(decision?.jobId, 'failed');
      await bench.pause('limited');
      const waiting = await bench.enqueueMany('limited', 3, {});
      assert.deepEqual(outcomesOf(waiting), ['accepted', 'accepted', 'refused']);
      const { code } = await bench.run('remove', '--yes', waiting[0]?.jobId ?? '');
      assert.equal(code, 0);
      const after = await bench.enqueueMany('limited', 2, {});
      assert.deepEqual(outcomesOf(after), ['accepted', 'refused']);
      await bench.resume('limited');
      for (const { jobId } of [waiting[1], after[0]].flatMap((one) => one ?? []))
        await bench.inState(jobId, 'completed');
    });

    it('counts one that waits for its retry, until that is removed', async () => {
      const first = await bench.enqueue('retried', { fail: true });
      await bench.inState(first.jobId, 'delayed');
      const second = await bench.enqueueNow('retried', {});
      assert.deepEqual(
        [second.outcome, second.survivor?.jobId, second.survivor?.state],
        ['already_queued', first.jobId, 'delayed'],
      );
      await bench.run('remove', '--yes', first.jobId ?? '');
      const third = await bench.enqueueNow('retried', {});
      assert.equal(third.outcome, 'accepted');
      await bench.inState(third.jobId, 'completed');
    });

    it('counts one that is requeued: no place, no requeueing', async () => {
      const failed = await bench.enqueueNow('limited', { fail: true });
      await bench.inState(failed.jobId, 'failed');
      await bench.pause('limited');
      const [waiting] = await bench.enqueueMany('limited', 2, {});
      const refused = await bench.run('requeue', failed.jobId ?? '');
      assert.equal(refused.code, 1);
      assert.match(refused.stdout, /as many jobs of type limited as allowed/);
      await bench.run('remove', '--yes', waiting?.jobId ?? '');
      assert.equal((await bench.run('requeue', failed.jobId ?? '')).code, 0);
      assert.equal((await bench.enqueueNow('limited', {})).outcome, 'already_queued');
      await bench.resume('limited');
    });
  });

  describe('a monitoring type', () => {
    it('without "unique" is one key, whatever the payload', async () => {
      const first = await bench.enqueue('monitor', { gate: 'monitor', a: 1 });
      const second = await bench.enqueue('monitor', { gate: 'monitor', a: 2 });
      assert.deepEqual([first.outcome, first.key], ['accepted', '*']);
      assert.deepEqual([second.reason, second.survivor?.jobId], ['unique_key', first.jobId]);
      bench.open('monitor');
      await bench.inState(first.jobId, 'completed');
    });

    it('loses what other programs put beside it before it runs, with a decision for each', async () => {
      await bench.pause('monitors');
      const queue = bench.plainQueue('monitors');
      const ids = ['m1', 'm2', 'm3', 'm4', 'm5'];
      for (const jobId of ids) await queue.add('monitor', { gate: 'beside' }, { jobId });
      await queue.add('stranger', {}, { jobId: 'other' });
      await bench.resume('monitors');
      const run = await eventually('one of them to run', () => {
        return bench.trace((line) => ids.includes(line.id))[0];
      });
      const skipped = await eventually('a decision for each of the others', async () => {
        const all = await bench.decisions('monitor', 'execute');
        const told = all.filter((one) => ids.includes(one.jobId ?? ''));
        return told.length === 4 && told;
      });
      for (const decision of skipped) {
        assert.deepEqual(
          [decision.outcome, decision.reason, decision.survivor?.jobId],
          ['skipped', 'concurrent_execution_detected', run.id],
        );
      }
      assert.equal(new Set(skipped.map((one) => one.jobId)).size, 4);
      const lines = bench.logLines({ action: 'execute', job_type: 'monitor' });
      assert.equal(lines.length, 4);
      assert.ok(lines.every((line) => line['reason'] === 'concurrent_execution_detected'));
      bench.open('beside');
      await bench.inState(run.id, 'completed');
      await bench.inState('other', 'failed');
      assert.deepEqual(
        bench.trace((line) => ids.includes(line.id)).map(({ id }) => id),
        [...[run.id, run.id]],
      );
      assert.equal(await queue.getWaitingCount(), 0);
    });
  });

  it('the last check: of two jobs that came in past the rule, one runs and the other says why not', async () => {
    await bench.pause('default');
    const queue = bench.plainQueue('default');
    for (const jobId of ['x1', 'x2']) await queue.add('both', { key: 'x', gate: 'x' }, { jobId });
    await bench.resume('default');
    const skipped = await eventually('one of them to be skipped', async () => {
      const jobs = await Promise.all(['x1', 'x2'].map((id) => bench.job(id)));
      return jobs.find((job) => job.state === 'completed');
    });
    const runs = skipped.id === 'x1' ? 'x2' : 'x1';
    assert.deepEqual(skipped.result, {
      ...{ status: 'skipped', reason: 'concurrent_execution_detected', survivor: runs },
    });
    const [decision] = await bench.decisions('both', 'execute');
    assert.deepEqual([decision?.outcome, decision?.jobId], ['skipped', skipped.id]);
    assert.equal(decision?.holder?.pid, bench.agent.pid);
    const asked = await bench.enqueue('both', { key: 'x' });
    assert.deepEqual([asked.outcome, asked.survivor?.jobId], ['already_running', runs]);
    bench.open('x');
    await bench.inState(runs, 'completed');
    const key = (line: { id: string }) => ['x1', 'x2'].includes(line.id);
    assert.equal(bench.mostAtOnce(key), 1);
    assert.equal((await bench.enqueueNow('both', { key: 'x' })).outcome, 'accepted');
  });

  it('priority: a higher one takes the place of a lower one that waits; a lower one does not', async () => {
    const busy = await bench.enqueueNow('ranked', { key: 'busy', gate: 'busy' });
    await bench.inState(busy.jobId, 'active');
    const rank = (priority: number, note: string) =>
      bench.enqueue('ranked', { key: 'k', note }, '--priority', String(priority));
    const low = await rank(10, 'low');
    const lower = await rank(20, 'lower');
    const high = await rank(5, 'high');
    assert.deepEqual(
      [low.outcome, lower.outcome, lower.survivor?.jobId],
      ['accepted', 'already_queued', low.jobId],
    );
    assert.deepEqual(
      [high.outcome, high.reason, high.survivor],
      ['replaced', 'higher_priority', { jobId: low.jobId, state: 'removed', since: null }],
    );
    assert.notEqual(high.jobId, low.jobId);
    assert.equal((await bench.run('job', low.jobId ?? '')).code, 1, 'it is gone');
    const same = await bench.enqueueNow('ranked', { key: 'k' });
    assert.deepEqual(
      [same.outcome, same.reason],
      ['replaced', 'higher_priority'],
      'none comes first',
    );
    assert.equal((await rank(1, 'late')).survivor?.jobId, same.jobId);
    bench.open('busy');
    await bench.inState(same.jobId, 'completed');
    const ids = [low, high, lower].map(({ jobId }) => jobId);
    assert.deepEqual(
      bench.trace((line) => ids.includes(line.id)),
      [],
    );
  });

  it('delay: waits as long as it says, and counts from the decision on', async () => {
    const first = await bench.enqueue('both', { key: 'later' }, '--delay', '1h');
    const second = await bench.enqueue('both', { key: 'later' });
    assert.deepEqual([second.outcome, second.survivor?.state], ['already_queued', 'delayed']);
    const { dueAt } = await bench.job(first.jobId);
    assert.ok(
      Math.abs(Date.parse(dueAt ?? '') - Date.parse(first.at) - 3_600_000) < 5_000,
      `${dueAt}`,
    );
  });
});
