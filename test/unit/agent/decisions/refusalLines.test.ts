import assert from 'node:assert/strict';
import { RefusalLines } from '../../../../agent/decisions/refusalLines.ts';

describe('lines of the log about refusals', () => {
  it('are ten a second of those that say the same; the next one says how many were left out', () => {
    const lines = new RefusalLines();
    const taken = Array.from({ length: 25 }, () => lines.take('a', 5_000));
    assert.equal(taken.filter((leftOut) => leftOut === 0).length, 10);
    assert.equal(taken.filter((leftOut) => leftOut === undefined).length, 15);
    assert.equal(lines.take('b', 5_000), 0, 'another kind');
    assert.equal(lines.take('a', 6_000), 15);
    assert.equal(lines.take('a', 6_001), 0);
  });
});
