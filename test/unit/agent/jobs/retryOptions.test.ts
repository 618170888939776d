import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  INTERVALS_BACKOFF,
  intervalDelayMs,
  retryOptions,
} from '../../../../agent/jobs/retryOptions.ts';

describe('retry rules', () => {
  it('try once without a rule', () => assert.deepEqual(retryOptions(undefined), { attempts: 1 }));

  it('count the first try on top of the retries', () => {
    assert.deepEqual(retryOptions({ max: 3, intervals: [10, 30, 60] }), {
      attempts: 4,
      backoff: { type: INTERVALS_BACKOFF },
    });
    assert.deepEqual(retryOptions({ max: 5, backoff: 'exponential', delay: 1_000 }), {
      attempts: 6,
      backoff: { type: 'exponential', delay: 1_000 },
    });
  });

  it('wait each interval in turn, and the last one from then on', () => {
    const retry = { max: 5, intervals: [10_000, 30_000, 60_000] };
    const waits = [1, 2, 3, 4, 5].map((made) => intervalDelayMs(retry, made));
    assert.deepEqual(waits, [10_000, 30_000, 60_000, 60_000, 60_000]);
  });

  it('always wait one of the intervals', () => {
    const intervals = fc.array(fc.nat(), { minLength: 1 });
    fc.assert(
      fc.property(intervals, fc.integer({ min: -5, max: 100 }), (given, made) => {
        assert.ok(given.includes(intervalDelayMs({ max: 9, intervals: given }, made)));
      }),
    );
  });

  it('leave other rules to BullMQ', () => {
    assert.equal(intervalDelayMs(undefined, 1), 0);
    assert.equal(intervalDelayMs({ max: 1, backoff: 'fixed', delay: 500 }, 1), 0);
  });
});
