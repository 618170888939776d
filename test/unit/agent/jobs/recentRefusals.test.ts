import assert from 'node:assert/strict';
import { RecentRefusals } from '../../../../agent/jobs/recentRefusals.ts';
import { ManualClock } from '../streams/manualClock.ts';

describe('keys that were refused of late', () => {
  it('are remembered for a second, unless they came in', async () => {
    const clock = new ManualClock();
    const refusals = new RecentRefusals<number>(clock);
    refusals.add('a', 1);
    refusals.add('b', 2);
    assert.deepEqual(
      [refusals.find('a'), refusals.find('b'), refusals.find('c')],
      [1, 2, undefined],
    );
    refusals.delete('b');
    assert.equal(refusals.find('b'), undefined);
    await clock.advance(999);
    assert.equal(refusals.find('a'), 1);
    await clock.advance(1);
    assert.equal(refusals.find('a'), undefined);
  });

  it('are not more than a thousand', () => {
    const refusals = new RecentRefusals<number>(new ManualClock());
    for (let n = 0; n < 1_001; n += 1) refusals.add(`k${n}`, n);
    assert.deepEqual([refusals.find('k0'), refusals.find('k1000')], [undefined, 1_000]);
  });
});
