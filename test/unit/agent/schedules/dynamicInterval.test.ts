import assert from 'node:assert/strict';
import fc from 'fast-check';
import { dynamicInterval, meanRunMs } from '../../../../agent/schedules/dynamicInterval.ts';

const BOUNDS = { min: 30_000, max: 600_000 };

describe('a dynamic interval', () => {
  it('is ten times as long as runs take', () => {
    assert.equal(dynamicInterval(30_000, [6_000, 6_000, 6_000], BOUNDS), 60_000);
  });

  it('stays within its bounds', () => {
    assert.equal(dynamicInterval(60_000, [100, 100], BOUNDS), BOUNDS.min);
    assert.equal(dynamicInterval(60_000, [120_000], BOUNDS), BOUNDS.max);
    fc.assert(
      fc.property(fc.nat(10_000_000), fc.array(fc.nat(10_000_000)), (current, runs) => {
        const interval = dynamicInterval(current, runs, BOUNDS);
        assert.ok(interval >= BOUNDS.min && interval <= BOUNDS.max);
      }),
    );
  });

  it('stays as it is while no run is known, and while little changes', () => {
    assert.equal(dynamicInterval(45_000, [], BOUNDS), 45_000);
    assert.equal(dynamicInterval(60_000, [6_900], BOUNDS), 60_000);
    assert.equal(dynamicInterval(60_000, [5_100], BOUNDS), 60_000);
    assert.equal(dynamicInterval(60_000, [7_300], BOUNDS), 73_000);
    assert.equal(dynamicInterval(1, [], BOUNDS), BOUNDS.min, 'its bounds were changed');
  });

  it('follows the newer runs, and one that is out of line does not upset it', () => {
    assert.equal(meanRunMs([]), undefined);
    assert.equal(meanRunMs([1_000, 1_000, 11_000]), 4_000);
    const slower = dynamicInterval(
      60_000,
      [6_000, 6_000, ...Array<number>(8).fill(20_000)],
      BOUNDS,
    );
    assert.ok(slower > 180_000, String(slower));
  });

  it('settles: the same runs once more change nothing', () => {
    fc.assert(
      fc.property(fc.nat(700_000), fc.array(fc.nat(100_000)), (current, runs) => {
        const once = dynamicInterval(current, runs, BOUNDS);
        assert.equal(dynamicInterval(once, runs, BOUNDS), once);
      }),
    );
  });
});
