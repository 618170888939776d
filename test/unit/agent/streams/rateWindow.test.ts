import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  describeRates,
  nextTurnMs,
  ratesOf,
  stretchedMs,
  trimPast,
  type Rate,
} from '../../../../agent/streams/connection/rateWindow.ts';

const anyRate = fc.record({
  count: fc.integer({ min: 1, max: 8 }),
  perMs: fc.integer({ min: 10, max: 5_000 }),
});

describe('rates in rolling windows', () => {
  it('lets through at once what the window has room for', () => {
    const rates = [{ count: 2, perMs: 1_000 }];
    assert.equal(nextTurnMs([], rates, 500), 500);
    assert.equal(nextTurnMs([400], rates, 500), 500);
    assert.equal(nextTurnMs([400, 500], rates, 500), 1_450);
    assert.equal(nextTurnMs([400, 500], [], 500), 500);
  });

  it('waits for those under way: when the server counts them is not known yet', () => {
    const rates = [{ count: 2, perMs: 1_000 }];
    assert.equal(nextTurnMs([], rates, 500, 1), 500);
    assert.equal(nextTurnMs([], rates, 500, 2), Infinity);
    assert.equal(nextTurnMs([300], rates, 500, 1), 1_350);
  });

  it('stays below every rate in every stretch, wherever it begins, also when arrivals jitter', () => {
    const asked = fc.array(fc.integer({ min: 0, max: 700 }), { minLength: 1, maxLength: 60 });
    const jitters = fc.array(fc.double({ min: 0, max: 49, noNaN: true }), {
      minLength: 60,
      maxLength: 60,
    });
    fc.assert(
      fc.property(
        fc.array(anyRate, { minLength: 1, maxLength: 3 }),
        asked,
        jitters,
        (rates, pauses, late) => {
          const arrivals = takeTurns(rates, pauses).map((at, index) => at + (late[index] ?? 0));
          arrivals.sort((a, b) => a - b);
          for (const { count, perMs } of rates) {
            arrivals.forEach((at, index) => {
              const last = arrivals[index + count];
              if (last !== undefined)
                assert.ok(last - at > perMs, `${count + 1} in ${last - at} ms`);
            });
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  it('wastes nothing: with always something to send the rate is used up', () => {
    fc.assert(
      fc.property(anyRate, (rate) => {
        const pauses = Array.from({ length: rate.count * 5 }, () => 0);
        const turns = takeTurns([rate], pauses);
        assert.equal(turns.at(-1), stretchedMs(rate.perMs) * 4);
      }),
      { numRuns: 100 },
    );
  });

  it('remembers no more than it needs', () => {
    const rates = [{ count: 3, perMs: 10 }];
    const past: number[] = [];
    for (let at = 0; at < 1_000; at += 1) {
      past.push(at);
      trimPast(past, rates);
      assert.ok(past.length <= 22);
      assert.deepEqual(
        past.slice(-3),
        [at - 2, at - 1, at].filter((time) => time >= 0),
      );
    }
  });

  it('reads the rates of a config and tells them', () => {
    const rates = ratesOf([
      { count: 300, per: 300_000 },
      { count: 5, per: 1_000 },
      { count: 1, per: 250 },
    ]);
    assert.equal(describeRates(rates), '300 in 5 min and 5 in 1 s and 1 in 250 ms');
    assert.deepEqual(ratesOf(undefined), []);
  });
});

/** Asks after each pause, and takes the turn when it is given. */
function takeTurns(rates: Rate[], pauses: number[]): number[] {
  const past: number[] = [];
  let now = 0;
  for (const pause of pauses) {
    now = nextTurnMs(past, rates, now + pause);
    past.push(now);
  }
  return past;
}
