import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  placeShards,
  type PlacedShard,
  type PlacementAgent,
} from '../../../../../agent/streams/pool/placement.ts';

const agent = (id: string, streams = ['s']): PlacementAgent => ({ id, streams: new Set(streams) });
const shard = (number: number, holder: string | null, stream = 's'): PlacedShard => ({
  ...{ stream, shard: number, holder },
});

describe('who runs which shard', () => {
  it('is this agent alone when there is no other', () => {
    const { take, spare } = placeShards('a', [agent('a')], [shard(0, null), shard(1, null)]);
    assert.deepEqual([take.length, spare.length], [2, 0]);
  });

  it('is each agent for its even share; the rest it takes when nobody does', () => {
    const agents = [agent('a'), agent('b')];
    const shards = [0, 1, 2, 3].map((number) => shard(number, null));
    const a = placeShards('a', agents, shards);
    const b = placeShards('b', agents, shards);
    assert.deepEqual([a.take.length, a.spare.length], [2, 2]);
    assert.deepEqual(
      [...a.take, ...b.take].map((one) => one.shard).sort(),
      [0, 1, 2, 3],
      'they do not want the same',
    );
  });

  it('gives what is beyond its share to whoever has the least', () => {
    const agents = [agent('a'), agent('b'), agent('c')];
    const shards = [shard(0, 'a'), shard(1, 'a'), shard(2, 'a'), shard(3, 'b')];
    assert.deepEqual(
      placeShards('a', agents, shards).offers.map(({ to }) => to),
      ['c'],
    );
    assert.deepEqual(placeShards('b', agents, shards).offers, []);
  });

  it('is given only what it lacks, when several give at the same time', () => {
    const agents = [agent('a'), agent('b'), agent('c')];
    const shards = [0, 1, 2, 3, 4, 5, 6, 7, 8].map((number) =>
      shard(number, number < 5 ? 'a' : 'b'),
    );
    assert.deepEqual(
      ['a', 'b', 'c'].map((id) => placeShards(id, agents, shards).offers.map(({ to }) => to)),
      [['c', 'c'], ['c'], []],
    );
  });

  it('moves nothing while something is free, or when one more or less is all', () => {
    const agents = [agent('a'), agent('b')];
    assert.deepEqual(
      placeShards('a', agents, [shard(0, 'a'), shard(1, 'a'), shard(2, null)]).offers,
      [],
    );
    assert.deepEqual(
      placeShards('a', agents, [shard(0, 'a'), shard(1, 'a'), shard(2, 'b')]).offers,
      [],
    );
  });

  it('offers a shard only to an agent that can run its stream', () => {
    const agents = [agent('a', ['s', 't']), agent('b', ['t'])];
    const shards = [shard(0, 'a'), shard(1, 'a'), shard(2, 'a')];
    assert.deepEqual(placeShards('a', agents, shards).offers, []);
  });

  it('is even after one round in which all give at the same time, where few shards have to move', () => {
    const holder = fc.constantFrom('a', 'b', 'c', 'd');
    fc.assert(
      fc.property(fc.array(holder, { maxLength: 12 }), (holders) => {
        const agents = ['a', 'b', 'c', 'd'].map((id) => agent(id));
        const shards = holders.map((id, number) => shard(number, id));
        const to = new Map(
          agents.flatMap(({ id }) =>
            placeShards(id, agents, shards).offers.map((offer) => [offer.shard, offer.to] as const),
          ),
        );
        const after = shards.map((one) => to.get(one) ?? one.holder);
        const counts = agents.map(({ id }) => after.filter((one) => one === id).length);
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
      }),
    );
  });

  it('comes to rest, evenly spread, from any start', () => {
    const ids = ['a', 'b', 'c', 'd'];
    const holder = fc.constantFrom(...ids, 'gone');
    fc.assert(
      fc.property(
        fc.array(holder, { maxLength: 40 }),
        fc.integer({ min: 1, max: 4 }),
        (holders, n) => {
          const agents = ids.slice(0, n).map((id) => agent(id));
          const live = new Set(agents.map(({ id }) => id));
          let shards = holders.map((id, number) => shard(number, live.has(id) ? id : null));
          for (let round = 0; round < 60; round += 1) {
            let changed = false;
            for (const { id } of agents) {
              const { take, spare, offers } = placeShards(id, agents, shards);
              const moves = new Map(offers.map((offer) => [offer.shard, offer.to]));
              for (const one of [...take, ...spare]) moves.set(one, id);
              changed ||= moves.size > 0;
              shards = shards.map((one) => ({ ...one, holder: moves.get(one) ?? one.holder }));
            }
            if (!changed) break;
          }
          const counts = agents.map(({ id }) => shards.filter((one) => one.holder === id).length);
          assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
          assert.ok(shards.every((one) => one.holder !== null));
        },
      ),
    );
  });
});
