import assert from 'node:assert/strict';
import { accountSlots } from '../../../schedules/accountSlots.ts';

describe('the account of slots in the trial of schedulers', () => {
  const account = (jobs: number[], passed: [number, number, number][], untilMs: number) =>
    accountSlots(
      {
        ...{ everyMs: 10, jobs },
        passed: passed.map(([fromMs, toMs, count]) => ({ fromMs, toMs, count })),
      },
      untilMs,
    );

  it('takes each slot that is one job or in one decision', () => {
    assert.deepEqual(account([10, 40, 50], [[20, 30, 2]], 55), {
      ...{ enqueued: 3, passed: 2, faults: [] },
    });
  });

  it('finds a slot that is nowhere, twice there, miscounted, or no slot', () => {
    assert.deepEqual(account([10, 30], [], 30).faults, ['20 is nowhere']);
    assert.deepEqual(account([10, 20, 20], [], 20).faults, ['20 is in a job and a job']);
    assert.deepEqual(account([10, 20], [[20, 20, 1]], 20).faults, [
      '20 is in a job and a decision',
    ]);
    assert.deepEqual(account([10], [[20, 30, 5]], 30).faults, ['20-30 is told as 5 slots']);
    assert.deepEqual(account([10, 15], [], 10).faults, []);
    assert.deepEqual(account([10, 15, 20], [], 20).faults, ['15 is no slot of it']);
    assert.deepEqual(account([], [], 20).faults, ['no slot at all']);
  });
});
