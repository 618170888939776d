import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  addSymbols,
  applyConfigured,
  removeSymbols,
  wantedOf,
  type PlanRules,
  type SymbolPlan,
} from '../../../../../agent/streams/symbols/symbolPlan.ts';

const rules = (facts: Partial<PlanRules> = {}): PlanRules => ({
  ...{ perConnection: 2, maxSymbols: 5, normalise: (symbol: string) => symbol.toLowerCase() },
  ...facts,
});
const planned = (symbols: string[], facts?: Partial<PlanRules>) =>
  applyConfigured(undefined, symbols, rules(facts));

describe('the plan of which symbol is in which shard', () => {
  it('fills one shard after the other, and cuts off what is beyond the limit', () => {
    const plan = planned(['a', 'b', 'c', 'd', 'e', 'f', 'g']);
    assert.deepEqual(plan.shards, [['a', 'b'], ['c', 'd'], ['e']]);
    assert.deepEqual(plan.cut, ['f', 'g']);
  });

  it('counts two names of one symbol once, and tells the second', () => {
    const plan = planned(['a', 'A', 'b', 'a']);
    assert.deepEqual(plan.shards, [['a', 'b']]);
    assert.deepEqual(plan.aliases, [{ symbol: 'A', of: 'a' }]);
  });

  it('leaves every symbol where it is when others come and go', () => {
    const before = planned(['a', 'b', 'c', 'd']);
    const without = removeSymbols(before, ['B', 'x'], rules());
    assert.deepEqual(without.plan.shards, [['a'], ['c', 'd']]);
    assert.deepEqual(without.changed, ['b']);
    assert.deepEqual(without.unchanged, [{ symbol: 'x', why: 'it is not there' }]);
    const withMore = addSymbols(without.plan, ['e', 'f', 'C'], rules());
    assert.deepEqual(withMore.plan.shards, [['a', 'e'], ['c', 'd'], ['f']]);
    assert.deepEqual(withMore.changed, ['e', 'f']);
    assert.match(withMore.unchanged[0]?.why ?? '', /^c is there already/);
  });

  it('gives a place that comes free to what was cut off', () => {
    const plan = planned(['a', 'b', 'c'], { maxSymbols: 2 });
    assert.deepEqual(plan.cut, ['c']);
    assert.deepEqual(removeSymbols(plan, ['a'], rules({ maxSymbols: 2 })).plan.shards, [
      ['b', 'c'],
    ]);
  });

  it('says what it cut off of what was to be added', () => {
    const { changed, cut } = addSymbols(planned(['a', 'b', 'c', 'd']), ['e', 'f'], rules());
    assert.deepEqual([changed, cut], [['e'], ['f']]);
  });

  it('keeps what a person changed when the config changes or is read again', () => {
    const first = planned(['a', 'b']);
    const person = removeSymbols(addSymbols(first, ['x'], rules()).plan, ['a'], rules()).plan;
    assert.deepEqual(applyConfigured(person, ['a', 'b'], rules()), person);
    const next = applyConfigured(person, ['b', 'c'], rules());
    assert.deepEqual(wantedOf(next).sort(), ['b', 'c', 'x']);
  });

  it('is laid out anew when the size of a connection changes', () => {
    const plan = applyConfigured(
      planned(['a', 'b', 'c']),
      ['a', 'b', 'c'],
      rules({ perConnection: 3 }),
    );
    assert.deepEqual(plan.shards, [['a', 'b', 'c']]);
  });

  it('is within its limits and loses nothing, whatever is added and removed', () => {
    const symbol = fc.constantFrom(...'abcdefghijklmnABCDEF'.split(''));
    const step = fc.record({ add: fc.boolean(), symbols: fc.array(symbol, { maxLength: 8 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
        let plan: SymbolPlan = planned(['a', 'b', 'c']);
        const wanted = new Set(['a', 'b', 'c']);
        for (const { add, symbols } of steps) {
          plan = (add ? addSymbols : removeSymbols)(plan, symbols, rules()).plan;
          for (const one of symbols) {
            if (add) wanted.add(one.toLowerCase());
            else wanted.delete(one.toLowerCase());
          }
          const names = wantedOf(plan).map((one) => one.toLowerCase());
          assert.deepEqual([...names].sort(), [...wanted].sort());
          assert.ok(plan.shards.every((shard) => shard.length <= 2));
          const placed = plan.shards.flat().length;
          assert.equal(placed, Math.min(5, wanted.size));
        }
      }),
    );
  });
});
