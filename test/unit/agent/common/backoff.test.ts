import assert from 'node:assert/strict';
import fc from 'fast-check';
import { fullJitterDelayMs, RECONNECT_BACKOFF } from '../../../../agent/common/backoff.ts';

const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('full-jitter backoff', () => {
  it('stays below its ceiling, which doubles and is capped', () => {
    fc.assert(
      fc.property(fc.nat(5_000), chance, (attempt, drawn) => {
        const delay = fullJitterDelayMs(RECONNECT_BACKOFF, attempt, () => drawn);
        const ceiling = Math.min(30_000, 250 * 2 ** Math.min(attempt, 7));
        assert.ok(Number.isInteger(delay) && delay >= 0 && delay < ceiling, `${delay}`);
      }),
    );
  });

  it('uses the whole range: none of it for the least chance, nearly all for the most', () => {
    assert.equal(
      fullJitterDelayMs(RECONNECT_BACKOFF, 3, () => 0),
      0,
    );
    assert.equal(
      fullJitterDelayMs(RECONNECT_BACKOFF, 3, () => 0.9999),
      1_999,
    );
    assert.equal(
      fullJitterDelayMs(RECONNECT_BACKOFF, 0, () => 0.9999),
      249,
    );
  });
});
