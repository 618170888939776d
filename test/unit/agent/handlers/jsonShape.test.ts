import assert from 'node:assert/strict';
import fc from 'fast-check';
import { toJson } from '../../../../agent/handlers/jsonShape.ts';

describe('toJson', () => {
  it('keeps JSON as it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const converted = toJson(value);
        assert.ok(converted.ok);
        assert.equal(JSON.stringify(converted.value), JSON.stringify(value));
      }),
    );
  });

  it('gives either JSON or a problem for anything at all', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true, withDate: true, withMap: true }), (value) => {
        const converted = toJson(value);
        if (converted.ok) assert.doesNotThrow(() => JSON.stringify(converted.value));
        else assert.notEqual(converted.problem, '');
      }),
    );
  });

  it('converts what has a JSON form', () => {
    const value = { date: new Date(0), gone: undefined, nan: NaN, list: [undefined] };
    assert.deepEqual(toJson(value), {
      ok: true,
      value: { date: '1970-01-01T00:00:00.000Z', nan: null, list: [null] },
    });
    assert.deepEqual(toJson(undefined), { ok: true, value: null });
  });

  it('allows one object in two places', () => {
    const shared = { a: 1 };
    assert.deepEqual(toJson([shared, shared]), { ok: true, value: [shared, shared] });
  });

  const cycle: { list: unknown[] } = { list: [] };
  cycle.list.push(cycle);
  const refused: [string, unknown, string][] = [
    ['BigInt', 1n, 'the value is a BigInt'],
    ['function', { on: { done: () => 1 } }, '`on.done` is a function'],
    ['symbol', [Symbol('s')], '`[0]` is a symbol'],
    ['cycle', cycle, '`list[0]` refers back to itself'],
  ];
  for (const [name, value, problem] of refused) {
    it(`names the place of a ${name}`, () => {
      assert.deepEqual(toJson(value), { ok: false, problem });
    });
  }

  it('says what a getter or toJSON throws', () => {
    const value = {
      toJSON() {
        throw new Error('not today');
      },
    };
    assert.deepEqual(toJson(value), { ok: false, problem: 'not today' });
  });
});
