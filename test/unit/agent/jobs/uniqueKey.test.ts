import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JsonValue } from '../../../../agent/common/json.ts';
import {
  canonicalJson,
  labelOfDeduplicationId,
  uniqueKeyOf,
  valueAt,
} from '../../../../agent/jobs/uniqueKey.ts';

const rule = (...paths: string[]) => paths;

/** JSON as it arrives over the socket. -0 is written as 0. */
const json = fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);

/** The same value with the fields of all objects in the opposite order. */
function turned(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(turned);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([key, field]) => [key, turned(field)] as const);
  return Object.fromEntries(fields.reverse());
}

function same(a: unknown, b: unknown): boolean {
  try {
    assert.deepStrictEqual(a, b);
    return true;
  } catch {
    return false;
  }
}

describe('uniqueness keys', () => {
  it('do not depend on the order of fields', () => {
    fc.assert(
      fc.property(json, (value) => {
        assert.equal(canonicalJson(turned(value)), canonicalJson(value));
        const key = uniqueKeyOf('sync', rule('at'), { at: value, other: 1 });
        assert.equal(uniqueKeyOf('sync', rule('at'), { other: 2, at: turned(value) }).id, key.id);
      }),
    );
  });

  it('differ exactly when the values differ', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const equal = same(a, b);
        const idOf = (value: JsonValue) => uniqueKeyOf('sync', rule('at'), { at: value }).id;
        assert.equal(idOf(a) === idOf(b), equal);
      }),
    );
  });

  it('differ when a value moves from one path to the next', () => {
    const idOf = (data: JsonValue) => uniqueKeyOf('sync', rule('a', 'b'), data).id;
    assert.notEqual(idOf({ a: 'x' }), idOf({ b: 'x' }));
    assert.notEqual(idOf({ a: 'x,', b: 'y' }), idOf({ a: 'x', b: ',y' }));
    assert.notEqual(idOf({ a: 1 }), idOf({ a: '1' }));
  });

  it('differ between job types', () => {
    const name = fc.string().filter((text) => text !== '' && !text.includes(':'));
    fc.assert(
      fc.property(name, name, json, json, (a, b, x, y) => {
        if (a === b) return;
        const first = uniqueKeyOf(a, rule('at'), { at: x });
        const second = uniqueKeyOf(b, rule('at'), { at: y });
        assert.notEqual(first.id, second.id);
      }),
    );
  });

  it('are the type itself without paths, whatever the payload', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        assert.equal(uniqueKeyOf('sync', rule(), a).id, uniqueKeyOf('sync', rule(), b).id);
      }),
    );
    assert.equal(uniqueKeyOf('sync', rule(), {}).label, '*');
  });

  it('read nested fields and items of arrays', () => {
    const data = { user: { id: 7 }, items: [{ sku: 'a' }, { sku: 'b' }] };
    assert.equal(valueAt(data, 'user.id'), 7);
    assert.equal(valueAt(data, 'items.1.sku'), 'b');
    assert.deepEqual(valueAt(data, 'items'), data.items);
  });

  it('count a missing path as null, and see no inherited fields', () => {
    for (const path of [
      'nothing',
      'user.name.first',
      'user.constructor',
      'toString',
      'length',
      '',
    ]) {
      assert.equal(valueAt({ user: { name: 'x' } }, path), null, path);
    }
    for (const data of [null, 5, 'text', true, []]) assert.equal(valueAt(data, 'a.b'), null);
    const missing = uniqueKeyOf('sync', rule('a'), {});
    assert.equal(missing.id, uniqueKeyOf('sync', rule('a'), { a: null }).id);
  });

  it('are labelled for people, the same from the id alone', () => {
    assert.equal(uniqueKeyOf('sync', rule('a', 'b'), { a: 'mainnet', b: 5 }).label, 'mainnet, 5');
    fc.assert(
      fc.property(json, json, (a, b) => {
        const key = uniqueKeyOf('sync', rule('a', 'b'), { a, b });
        assert.equal(labelOfDeduplicationId(key.id), key.label);
      }),
    );
  });

  it('of others are labelled by themselves', () => {
    for (const id of ['order-5', 'a|b', '|', '5', '["x"]']) {
      assert.equal(labelOfDeduplicationId(id), id);
    }
  });
});
