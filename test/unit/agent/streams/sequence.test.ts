import assert from 'node:assert/strict';
import { SequenceTracker } from '../../../../agent/streams/sequence.ts';

describe('sequence numbers', () => {
  it('tell how many ticks are missing, for each symbol alone', () => {
    const tracker = new SequenceTracker();
    assert.equal(tracker.observe('a', 5), 0);
    assert.equal(tracker.observe('a', 6), 0);
    assert.equal(tracker.observe('b', 100), 0);
    assert.equal(tracker.observe('a', 10), 3);
    assert.equal(tracker.observe('b', 101), 0);
    assert.equal(tracker.gaps, 3);
  });

  it('count what comes twice', () => {
    const tracker = new SequenceTracker();
    for (const seq of [1, 2, 2, 2, 3]) assert.equal(tracker.observe('a', seq), 0);
    assert.equal(tracker.duplicates, 2);
    assert.equal(tracker.gaps, 0);
  });

  it('may begin anew without a gap', () => {
    const tracker = new SequenceTracker();
    for (const seq of [900, 1, 2]) assert.equal(tracker.observe('a', seq), 0);
    assert.equal(tracker.resets, 1);
    assert.equal(tracker.observe('a', 4), 1);
  });

  it('may be absent', () => {
    const tracker = new SequenceTracker();
    tracker.observe('a', 1);
    assert.equal(tracker.observe('a', undefined), 0);
    assert.equal(tracker.observe('a', 3), 1);
  });
});
