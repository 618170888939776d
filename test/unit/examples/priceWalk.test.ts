import assert from 'node:assert/strict';
import { priceWalk, SYMBOLS } from '../../../examples/market/feed/priceWalk.mjs';

const take = (seed: number, count: number) => {
  const next = priceWalk(seed);
  return Array.from({ length: count }, () => next(0));
};

describe('the prices of the example', () => {
  it('are the same for the same seed, and others for another', () => {
    assert.deepEqual(take(7, 500), take(7, 500));
    assert.notDeepEqual(take(7, 500), take(8, 500));
  });

  it('are positive, and numbered by one per symbol', () => {
    const last = new Map<string, number>();
    for (const { symbol, seq, price } of take(7, 5_000)) {
      assert.equal(seq, (last.get(symbol) ?? 0) + 1);
      assert.ok(price > 0);
      last.set(symbol, seq);
    }
    assert.deepEqual([...last.keys()], SYMBOLS);
  });
});
