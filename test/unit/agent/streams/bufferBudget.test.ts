import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  BufferBudget,
  SharedLimit,
  type Share,
} from '../../../../agent/streams/pipeline/bufferBudget.ts';

/** Gives up what it is asked for, as long as it has any. */
function member(limit: SharedLimit, lost: number[], index: number): Share {
  const share: Share = limit.join((amount) => {
    const given = Math.min(amount, share.held);
    share.give(given);
    lost[index] = (lost[index] ?? 0) + given;
    return given;
  });
  return share;
}

describe('what the shards of a stream may hold together', () => {
  it('is one limit, however many there are', () => {
    const limit = new SharedLimit(100);
    const lost: number[] = [];
    const shares = Array.from({ length: 400 }, (_, index) => member(limit, lost, index));
    for (let times = 0; times < 5; times += 1) for (const share of shares) share.take(1);
    assert.equal(limit.used, 100);
  });

  it('may be had by one alone while the others need nothing', () => {
    const limit = new SharedLimit(100);
    const lost = [0, 0];
    const [one] = [member(limit, lost, 0), member(limit, lost, 1)];
    assert.ok(one.take(100));
    assert.deepEqual([one.held, lost], [100, [0, 0]]);
  });

  it('is given up by who has most, in favour of who has little', () => {
    const limit = new SharedLimit(100);
    const lost = [0, 0];
    const [one, two] = [member(limit, lost, 0), member(limit, lost, 1)];
    one.take(100);
    for (let times = 0; times < 30; times += 1) assert.ok(two.take(1));
    assert.deepEqual([one.held, two.held, lost], [70, 30, [30, 0]]);
    assert.ok(one.take(10));
    assert.deepEqual([one.held, two.held, lost], [70, 30, [40, 0]]);
  });

  it('can not be had when nobody can give up anything', () => {
    const limit = new SharedLimit(10);
    const stuck = limit.join(() => 0);
    assert.ok(stuck.take(10));
    assert.equal(stuck.take(1), false);
    assert.equal(limit.join(() => 0).take(11), false);
    assert.equal(limit.used, 10);
  });

  it('is free again when one leaves', () => {
    const budget = new BufferBudget({ ticks: 10, diskBytes: 20 });
    const share = budget.ticks.join(() => 0);
    share.take(7);
    assert.equal(budget.ticks.evenPart, 10);
    share.leave();
    assert.equal(budget.ticks.used, 0);
  });

  it('is never exceeded, and takes from nobody who has less than an even part', () => {
    const step = fc.record({ who: fc.nat(3), take: fc.nat(12), give: fc.nat(12) });
    fc.assert(
      fc.property(fc.array(step), fc.integer({ min: 12, max: 60 }), (steps, most) => {
        const limit = new SharedLimit(most);
        const lost = [0, 0, 0, 0];
        const shares = lost.map((_, index) => member(limit, lost, index));
        for (const { who, take, give } of steps) {
          const before = shares.map(({ held }) => held);
          const share = shares[who];
          if (share === undefined) continue;
          for (let times = 0; times < take; times += 1) assert.ok(share.take(1));
          assert.ok(limit.used <= most);
          for (const [index, { held }] of shares.entries()) {
            const had = before[index] ?? 0;
            if (index !== who && had <= limit.evenPart) assert.equal(held, had);
          }
          share.give(Math.min(give, share.held));
          assert.equal(
            limit.used,
            shares.reduce((sum, { held }) => sum + held, 0),
          );
        }
      }),
    );
  });
});
