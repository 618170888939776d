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

/** What `JSON.parse` can make: no object without a prototype, no date. */
const almostTickOfJson = fc
  .record(
    {
      ...{ symbol: fc.string(), price: fc.double({ noNaN: true, noDefaultInfinity: true }) },
      ...{ seq: fc.maxSafeInteger(), ts: fc.oneof(fc.string(), fc.integer()) },
      ...{ volume: fc.jsonValue(), '': fc.jsonValue() },
    },
    { requiredKeys: ['symbol', 'price'] },
  )
  .map((value) => JSON.stringify(value));

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
      fc.property(almostTickOfJson, (text) => {
        // The schema drops a field of that name; the quick look lets it be, as JSON.parse does.
        const value: unknown = JSON.parse(text, (name, field: unknown) =>
          name === '__proto__' ? undefined : field,
        );
        const parsed = tick.safeParse(value);
        if (parsed.success) assert.deepEqual(value, parsed.data);
      }),
      { numRuns: 500 },
    );
  });
});
