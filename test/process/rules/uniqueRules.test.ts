import assert from 'node:assert/strict';
import { decision } from '../../../agent/protocol/decision.ts';
import { eventually } from '../../harness/eventually.ts';
import { PATIENT, RuleBench } from './ruleBench.ts';

const GATED = { handler: './jobs/gated.ts', concurrency: 8 };
const KEY = { by: ['key'] };

const CONFIG = {
  jobs: {
    both: { ...GATED, unique: KEY },
    running: { ...GATED, unique: { ...KEY, while: 'running' } },
    queued: { ...GATED, unique: { ...KEY, while: 'queued' } },
    window: { ...GATED, unique: { ...KEY, while: 'window', window: '4s' } },
    strict: { ...GATED, unique: { ...KEY, onConflict: 'fail' } },
    replace: { ...GATED, unique: { ...KEY, onConflict: 'replace' } },
    again: { ...GATED, unique: { ...KEY, onConflict: 'reschedule' } },
    paths: {
      ...{ ...GATED, queue: 'held' },
      unique: { by: ['user.id', 'items.0.sku', 'where'] },
    },
    whole: { ...GATED, queue: 'held', unique: { by: [] } },
    asker: { handler: './jobs/asker.ts' },
    askerInline: { handler: './jobs/asker.ts', isolation: 'inline' },
  },
};

/** What is left of a window is told in whole milliseconds. */
const ROUNDING_MS = 5;

const FILES = {
  'jobs/asker.ts': `export default async (job, ctx) => {
  try {
    return { outcome: (await ctx.enqueue(job.data.type, { key: job.data.key, gate: 'shut' })).outcome };
  } catch (error) {
    return { rejected: error.message };
  }
};
`,
};

describe('a uniqueness rule, through the command', function () {
  let bench: RuleBench;

  before(async () => {
    bench = await RuleBench.start(CONFIG, FILES);
    await bench.pause('held');
  });
  after(() => bench.stop());

  describe('by payload paths', () => {
    const outcomes = async (type: string, ...payloads: object[]) => {
      const answers = [];
      for (const data of payloads)
        answers.push((await bench.enqueueNow(type, { ...data })).outcome);
      return answers;
    };

    it('sees nested fields, items of arrays and whole objects, whatever the order of their fields', async () => {
      const data = { user: { id: 1 }, items: [{ sku: 'a' }], where: { x: 1, y: [1, 2] } };
      const first = await bench.enqueue('paths', data);
      const same = {
        ...{ where: { y: [1, 2], x: 1 }, items: [{ sku: 'a' }, { sku: 'more' }] },
        ...{ user: { name: 'other', id: 1 }, more: true },
      };
      const second = await bench.enqueue('paths', same);
      assert.equal(first.outcome, 'accepted');
      assert.deepEqual([second.outcome, second.survivor?.jobId], ['already_queued', first.jobId]);
      assert.equal(second.key, '1, a, {"x":1,"y":[1,2]}');
      const others = [
        { ...data, user: { id: 2 } },
        { ...data, items: [{ sku: 'b' }] },
        { ...data, where: { x: 1, y: [2, 1] } },
        { ...data, user: { id: '1' } },
      ];
      assert.deepEqual(
        await outcomes('paths', ...others),
        others.map(() => 'accepted'),
      );
    });

    it('counts a path that is not there as null', async () => {
      const first = await bench.enqueue('paths', {});
      assert.deepEqual([first.outcome, first.key], ['accepted', 'null, null, null']);
      assert.deepEqual(
        await outcomes(
          'paths',
          { user: null, items: [], where: null },
          { items: {} },
          { user: {} },
        ),
        ['already_queued', 'already_queued', 'already_queued'],
      );
      assert.deepEqual(await outcomes('paths', { where: 'here' }, { where: '' }), [
        'accepted',
        'accepted',
      ]);
    });

    it('without any path makes the type itself the key', async () => {
      const [first, second] = await Promise.all([
        bench.enqueue('whole', { a: 1 }),
        bench.enqueue('whole', { b: 2 }),
      ]);
      assert.deepEqual([first.outcome, second.outcome].sort(), ['accepted', 'already_queued']);
      assert.equal(first.key, '*');
    });
  });

  it('queued-or-running: refused until the job has ended', async () => {
    const data = { key: 'both', gate: 'both' };
    const first = await bench.enqueue('both', data);
    await bench.inState(first.jobId, 'active');
    const text = await bench.run('enqueue', 'both', '--data', JSON.stringify(data));
    assert.equal(text.code, 0);
    assert.match(text.stdout, /both.* already running/i);
    const second = await bench.enqueueNow('both', data);
    assert.deepEqual([second.outcome, second.reason], ['already_running', 'unique_key']);
    assert.equal(second.survivor?.jobId, first.jobId);
    assert.equal(second.holder?.pid, bench.agent.pid);
    bench.open('both');
    await bench.inState(first.jobId, 'completed');
    assert.equal((await bench.enqueueNow('both', data)).outcome, 'accepted');
  });

  it('queued: one may wait beside the one that runs', async () => {
    const data = { key: 'queued', gate: 'queued' };
    await bench.pause('default');
    const [first, second] = await bench.enqueueMany('queued', 2, data);
    assert.deepEqual([first?.outcome, second?.outcome], ['accepted', 'already_queued']);
    await bench.resume('default');
    await bench.inState(first?.jobId, 'active');
    await bench.pause('default');
    const [third, fourth] = await bench.enqueueMany('queued', 2, data);
    assert.deepEqual([third?.outcome, fourth?.outcome], ['accepted', 'already_queued']);
    assert.equal(fourth?.survivor?.jobId, third?.jobId);
    await bench.resume('default');
    await bench.inState(third?.jobId, 'active');
    await eventually('both to run', () => bench.mostAtOnce((line) => line.type === 'queued') === 2);
    bench.open('queued');
    await bench.inState(third?.jobId, 'completed');
  });

  it('running: any number may wait, and what starts beside a run is skipped and says so', async () => {
    const data = { key: 'running', gate: 'running' };
    await bench.pause('default');
    const [first, second] = await bench.enqueueMany('running', 2, data);
    assert.deepEqual([first?.outcome, second?.outcome], ['accepted', 'accepted']);
    await bench.resume('default');
    const skipped = await eventually('one of them to be skipped', async () => {
      const jobs = await Promise.all([bench.job(first?.jobId), bench.job(second?.jobId)]);
      return jobs.find((job) => job.state === 'completed');
    });
    const other = skipped.id === first?.jobId ? second?.jobId : first?.jobId;
    assert.deepEqual(skipped.result, {
      ...{ status: 'skipped', reason: 'concurrent_execution_detected', survivor: other },
    });
    const third = await bench.enqueue('running', data);
    assert.deepEqual([third.outcome, third.survivor?.jobId], ['already_running', other]);
    bench.open('running');
    await bench.inState(other, 'completed');
    assert.equal(
      bench.mostAtOnce((line) => line.type === 'running'),
      1,
    );
    assert.equal((await bench.enqueueNow('running', data)).outcome, 'accepted');
  });

  it('window: closed until the time that is told, also when the job has ended, then open again', async () => {
    await bench.inState((await bench.enqueueNow('window', { key: 'warm' })).jobId, 'completed');
    const data = { key: 'window' };
    const [first, second] = await bench.enqueueMany('window', 2, data);
    assert.deepEqual([first?.outcome, second?.outcome === 'accepted'], ['accepted', false]);
    const until = Date.parse(second?.until ?? '');
    const expected = Date.parse(first?.at ?? '') + 4_000;
    assert.ok(Math.abs(until - expected) <= 50, `${until} is about ${expected}`);
    assert.match(second?.remedy ?? '', /^Wait until the window ends/);
    await bench.inState(first?.jobId, 'completed');
    const third = await bench.enqueueNow('window', data);
    assert.deepEqual([third.outcome, third.survivor?.state], ['skipped', 'finished']);
    assert.ok(Math.abs(Date.parse(third.until ?? '') - until) <= ROUNDING_MS);
    const next = await eventually('the window to open', async () => {
      const answer = await bench.enqueueNow('window', data);
      return answer.outcome === 'accepted' && answer;
    });
    assert.ok(Date.parse(next.at) >= until - ROUNDING_MS, `${next.at} is not before the end`);
  });

  it('fail: a conflict is a failure of the command, and of a handler that enqueues', async () => {
    const data = { key: 'strict', gate: 'shut' };
    const first = await bench.ask(decision, 'strict', data);
    assert.deepEqual([first.code, first.json.outcome], [0, 'accepted']);
    const second = await bench.ask(decision, 'strict', data);
    assert.deepEqual([second.code, second.json.outcome], [1, 'refused']);
    assert.deepEqual(
      [second.json.reason, second.json.survivor?.jobId],
      ['unique_key', first.json.jobId],
    );
    const text = await bench.run(
      'enqueue',
      'strict',
      '--data',
      JSON.stringify(data),
      '--count',
      '2',
    );
    assert.equal(text.code, 1);
    assert.match(text.stdout, /^2 decisions: 2 refused\./);
    for (const type of ['asker', 'askerInline']) {
      const asker = await bench.enqueueNow(type, { type: 'strict', key: 'strict' });
      const { result } = await bench.inState(asker.jobId, 'completed');
      const { rejected } = result as { rejected?: string };
      assert.match(
        rejected ?? '',
        /^Enqueueing strict \(strict\) is refused: job \S+ has this key/,
      );
      assert.match(rejected ?? '', new RegExp(first.json.jobId ?? '?'));
    }
  });

  it('skip: a handler that enqueues gets the refusal as a decision', async () => {
    await bench.enqueueNow('both', { key: 'asked', gate: 'shut' });
    const asker = await bench.enqueueNow('asker', { type: 'both', key: 'asked' });
    const { result } = await bench.inState(asker.jobId, 'completed');
    assert.match((result as { outcome?: string }).outcome ?? '', /^already_/);
  });

  it('replace: the one that waits runs with the new payload; one that runs is left alone', async () => {
    const data = { key: 'replace', gate: 'replace' };
    await bench.pause('default');
    const first = await bench.enqueue('replace', { ...data, note: 'old' });
    const second = await bench.enqueue('replace', { ...data, note: 'new' });
    assert.deepEqual([second.outcome, second.jobId], ['replaced', first.jobId]);
    await bench.resume('default');
    await bench.inState(first.jobId, 'active');
    const third = await bench.enqueue('replace', { ...data, note: 'late' });
    assert.deepEqual([third.outcome, third.survivor?.jobId], ['already_running', first.jobId]);
    bench.open('replace');
    const { result } = await bench.inState(first.jobId, 'completed');
    assert.deepEqual(result, { note: 'new' });
    assert.deepEqual(
      bench.trace((line) => line.type === 'replace').map((line) => line.note),
      ['new', 'new'],
    );
  });

  it('reschedule: runs once after the one that runs; at most one waits; a kill -9 loses none', async () => {
    const data = { key: 'again', gate: 'again' };
    const first = await bench.enqueue('again', { ...data, note: '1' });
    await bench.inState(first.jobId, 'active');
    const second = await bench.enqueue('again', { ...data, note: '2' });
    assert.deepEqual(
      [second.outcome, second.survivor?.jobId, second.jobId === first.jobId],
      ['rescheduled', first.jobId, false],
    );
    const third = await bench.enqueue('again', { ...data, note: '3' });
    assert.deepEqual([third.outcome, third.survivor?.jobId], ['already_queued', second.jobId]);
    const firstRuns = () => bench.trace((line) => line.id === first.jobId && line.what === 'start');
    // Active is also one whose handler has not begun: killed then, it would begin only once.
    await eventually('the first one to run', () => firstRuns().length === 1, PATIENT);
    await bench.restartKilled();
    await eventually('the first one to run again', () => firstRuns().length === 2, PATIENT);
    bench.open('again');
    await bench.inState(second.jobId, 'completed');
    const runs = bench.trace((line) => line.type === 'again' && line.what === 'start');
    assert.deepEqual(
      runs.map((line) => line.note),
      ['1', '1', '2'],
    );
    assert.ok((runs[1]?.fence ?? 0) < (runs[2]?.fence ?? 0));
    assert.equal((await bench.enqueueNow('again', { ...data })).outcome, 'accepted');
  });
});
