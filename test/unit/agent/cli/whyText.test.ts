import assert from 'node:assert/strict';
import type { Explanation } from '../../../../agent/cli/explainSubject.ts';
import { styleFor } from '../../../../agent/cli/text/style.ts';
import { whyText } from '../../../../agent/cli/text/whyText.ts';
import { decision, isoBefore, jobRow, lockRow, NOW_MS, scheduleRow, streamRow } from './rows.ts';

const plain = styleFor(false, {});
const text = (facts: Partial<Explanation>) => whyText({ ...nothing, ...facts }, NOW_MS, plain);
const nothing: Explanation = {
  ...{ decisions: [], schedule: undefined, stream: undefined, lock: undefined, jobs: undefined },
};
const none = { running: [], waiting: [], more: false };
const run = (id: string) =>
  jobRow({ id, key: 'mainnet', state: 'active', startedAt: isoBefore(121_000) });
const lock = lockRow({ kind: 'run', fence: 12 });

describe('the answer to why', () => {
  it('says first how it is now, then what was decided with what to do', () => {
    const said = text({
      jobs: { ...none, running: [{ job: run('j1'), lock }], waiting: [jobRow({ id: 'j2' })] },
      decisions: [
        decision({ outcome: 'skipped', reason: 'unique_key', remedy: 'Wait.' }),
        decision({ at: isoBefore(60_000) }),
      ],
    });
    assert.deepEqual(said.split('\n'), [
      'Now: job j1 (mainnet) has been running for 2 min 1 s on devbox:4711, fence 12.',
      'Now: job j2 has been waiting for 5 s.',
      '',
      '1 s ago    Skipped job j1 of sync: another job has this key (rule: unique_key).',
      '           Wait.',
      '1 min ago  Enqueued sync: job j1.',
    ]);
  });

  it('says that a worker outside Interlock runs it', () => {
    const outside = { worker: 'invoices', address: null, lockEndsAt: isoBefore(-9_000) };
    const job = { ...run('j1'), outside };
    assert.match(
      text({ jobs: { ...none, running: [{ job, lock: undefined }] } }),
      /^Now: job j1 \(mainnet\) has been running for 2 min 1 s in worker "invoices", which Interlock did not start\.\n/,
    );
  });

  it('says that nothing runs, and that nothing was decided', () => {
    assert.deepEqual(text({ jobs: none }).split('\n'), [
      'Now: none is queued or running.',
      '',
      'No decision about it is recorded.',
    ]);
  });

  it('names some of many', () => {
    const running = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ job: run(id), lock: undefined }));
    const waiting = [jobRow({ id: 'new', createdAt: isoBefore(1_000) }), jobRow({ id: 'old' })];
    const lines = text({ jobs: { running, waiting, more: false } }).split('\n');
    assert.equal(lines[2], 'Now: job c (mainnet) has been running for 2 min 1 s.');
    assert.equal(lines[3], 'Now: 2 more run.');
    assert.equal(lines[4], 'Now: 2 wait, one of them, job old, for 5 s.');
    const many = text({ jobs: { running: [], waiting, more: true } });
    assert.match(many, /^Now: 2 or more wait/);
  });

  it('tells of a stream, a schedule and a lock', () => {
    assert.match(
      text({ stream: streamRow({ fence: 7 }) }),
      /^Now: stream nse has been running for 1 min on devbox:4711, fence 7\.\n/,
    );
    assert.match(
      text({ stream: streamRow({ state: 'stopped' }) }),
      /^Now: stream nse is stopped\./,
    );
    assert.match(text({ stream: streamRow({ state: 'waiting' }) }), /is wanted, and waits for its/);
    const schedule = scheduleRow({ name: 'chain', rule: 'every 90 s' });
    assert.match(
      text({ schedule, jobs: none }),
      /^Now: schedule chain enqueues sync every 90 s, next in 30 s\.\nNow: none is queued/,
    );
    assert.match(text({ lock }), /^Now: scheduler:global_lock is held by devbox:4711, for 12 s/);
  });
});
