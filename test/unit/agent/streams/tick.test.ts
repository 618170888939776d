import assert from 'node:assert/strict';
import fc from 'fast-check';
import { isTick, tick } from '../../../../agent/streams/adapters/tick.ts';

const anything = fc.anything({
  ...{ withDate: true, withMap: true, withSet: true, withBigInt: true, withSparseArray: true },
  ...{ withTypedArray: true, withNullPrototype: true, withBoxedValues: true },
});

/** Mostly right, so that both answers come often. */
const almostTick = fc.record(
  {
    symbol: fc.oneof({ weight: 6, arbitrary: fc.string() }, { weight: 1, arbitrary: anything }),
    price: fc.oneof({ weight: 6, arbitrary: fc.double() }, { weight: 1, arbitrary: anything }),
    seq: fc.oneof(fc.maxSafeInteger(), fc.double(), anything),
    ts: fc.oneof(fc.double(), fc.string(), anything),
    volume: fc.oneof(fc.jsonValue(), anything),
  },
  { requiredKeys: ['symbol', 'price'] },
);

describe('the quick look at a tick', () => {
  it('answers as the schema does, whatever it is given', () => {
    fc.assert(
      fc.property(fc.oneof(almostTick, anything), (value) => {
        assert.equal(isTick(value), tick.safeParse(value).success);
      }),
      { numRuns: 2_000 },
    );
  });

  it('keeps what the schema keeps, for all that JSON can say', () => {
    fc.assert(
      fc.property(almostTick, (value) => {
        const parsed = tick.safeParse(value);
        if (parsed.success) assert.deepEqual({ ...value }, { ...parsed.data });
      }),
      { numRuns: 500 },
    );
  });
});
