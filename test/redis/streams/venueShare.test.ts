import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { pino } from 'pino';
import { systemClock } from '../../../agent/common/clock.ts';
import type { StreamLimits } from '../../../agent/config/schema.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import type { RedisClient } from '../../../agent/redis/redisClient.ts';
import { Scripts } from '../../../agent/redis/scripts.ts';
import { currentHolder } from '../../../agent/state/processIdentity.ts';
import { Venues, type VenueGate } from '../../../agent/streams/connection/venueGate.ts';
import type { VenuePlace } from '../../../agent/streams/connection/venueShare.ts';
import { RedisVenueShare } from '../../../agent/streams/pool/redisVenueShare.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { placeOf, watchTurn } from '../../harness/watchedTurn.ts';

const HOST = 'feed.example.com';
const URL = `wss://${HOST}/ticks`;
const never = new AbortController().signal;
setMaxListeners(0, never);

function gateOf(
  redis: RedisClient,
  prefix: string,
  limits: StreamLimits,
  agentId: string,
  machine = 'desk-1',
): VenueGate {
  const holder = { ...currentHolder('calls', agentId), host: machine };
  const share = {
    ...{ redis, scripts: new Scripts(redis), keys: new Keys(prefix), clock: systemClock },
    ...{ holder, logger: pino({ level: 'silent' }) },
  };
  const shareOf = (host: string, by: 'all' | 'host') => new RedisVenueShare(host, by, share);
  return new Venues(systemClock, shareOf).of(URL, limits);
}

describe('the turns and places of several agents at one venue', () => {
  let server: TestRedis;
  let places: string;
  let open: VenuePlace[];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    open = [];
    places = new Keys(server.prefix).venuePlaces(HOST);
    await server.flush();
  });
  // Or they would be renewed for ever.
  afterEach(() => open.forEach((place) => place.release()));

  const gate = (limits: StreamLimits, agentId: string, machine?: string) =>
    gateOf(server.client(), server.prefix, limits, agentId, machine);
  const enter = async (at: VenueGate): Promise<VenuePlace> => {
    const place = await at.turn(never);
    open.push(place);
    return place;
  };

  it('are never more in a stretch of time than it takes from all of them together', async () => {
    const rate = { count: 10, per: 300 };
    const gates = ['a', 'b', 'c', 'd'].map((id) => gate({ connects: [rate] }, id));
    const times: number[] = [];
    await Promise.all(
      gates.flatMap((one) =>
        Array.from({ length: 15 }, async () => {
          const place = await enter(one);
          times.push(performance.now());
          place.answered();
        }),
      ),
    );
    times.forEach((time, index) => {
      const later = times[index + rate.count];
      if (later !== undefined) assert.ok(later - time > rate.per, `${later - time} ms`);
    });
    assert.equal(times.length, 60);
  });

  it('count an attempt of another agent from its answer', async () => {
    const limits = { connects: [{ count: 1, per: 200 }] };
    const [one, other] = [gate(limits, 'a'), gate(limits, 'b')];
    const first = await enter(one);
    const told: string[] = [];
    const second = watchTurn(other.turn(never, ({ why }) => told.push(why)));
    await eventually('the wait to be told', () => told.length > 0);
    assert.match(told[0] ?? '', /^Waits for its turn: the venue takes 1 in 200 ms/);
    assert.equal(second.place, null);
    first.answered();
    const answeredAt = performance.now();
    await eventually('its turn', () => second.place !== null, { everyMs: 5 });
    assert.ok(performance.now() - answeredAt > 200);
  });

  it('are one to a free place, and say that they wait for one', async () => {
    const limits = { connections: 2 };
    const [one, other] = [gate(limits, 'a'), gate(limits, 'b')];
    const [first] = [await enter(one), await enter(other)];
    let forPlace = false;
    const third = watchTurn(other.turn(never, (wait) => (forPlace = wait.forPlace)));
    await eventually('the wait to be told', () => forPlace);
    assert.equal(third.place, null);
    first.release();
    await eventually('its place', () => third.place !== null);
    assert.equal(await server.client().zcard(places), 2);
    placeOf(third)?.release();
  });

  it('keep a place for as long as they live, also over a Redis that lost it', async () => {
    await enter(gate({ connections: 1 }, 'a'));
    const redis = server.client();
    const end = async () => Number(await redis.zscore(places, 'a:1'));
    const first = await end();
    await eventually('it to be renewed', async () => (await end()) > first);
    await redis.del(places);
    await eventually('it to be told again', async () => (await end()) > first);
  });

  it('leave the places of an agent that is proven dead, and no others', async () => {
    const limits = { connections: 2 };
    const [dead, heir] = [gate(limits, 'dead'), gate(limits, 'heir')];
    await enter(dead);
    await enter(gate(limits, 'deadline'));
    const next = watchTurn(heir.turn(never));
    heir.forget('dead');
    await eventually('its place', () => next.place !== null);
    const members = await server.client().zrange(places, 0, -1);
    assert.deepEqual(
      members.filter((member) => member.startsWith('dead:')),
      [],
    );
    assert.equal(members.length, 2);
    placeOf(next)?.release();
  });

  it('leave the places of an agent that is never heard of again', async () => {
    const redis = server.client();
    await enter(gateOf(redis, server.prefix, { connections: 1 }, 'cut-off'));
    redis.disconnect();
    await enter(gate({ connections: 1 }, 'heir'));
  });

  it('are not held up by what was written before the clock of Redis was set back', async () => {
    const far = Date.now() + 86_400_000;
    const keys = new Keys(server.prefix);
    await server.client().zadd(keys.venueTurns(HOST), far, 'x:1');
    await server.client().zadd(places, far, 'x:1');
    await enter(gate({ connections: 1, connects: [{ count: 1, per: 60_000 }] }, 'a'));
  });

  it('are counted by machine where each has an address of its own', async () => {
    const own = { connections: 1, sharedBy: 'host' } as const;
    await enter(gate(own, 'a', 'desk-1'));
    await enter(gate(own, 'b', 'desk-2'));
    let waits = false;
    const third = watchTurn(
      gate(own, 'c', 'desk-1').turn(never, ({ forPlace }) => (waits = forPlace)),
    );
    await eventually('the wait to be told', () => waits);
    assert.equal(third.place, null);
    open.forEach((place) => place.release());
    await eventually('its place', () => third.place !== null);
    placeOf(third)?.release();
  });
});

describe('turns at a venue while Redis is away', () => {
  it('are given within the limits of this agent alone, and are counted when it is back', async () => {
    const server = await RedisServer.start();
    const limits = { connections: 2 };
    const gate = gateOf(server.client(), 'bull', limits, 'a');
    const places: VenuePlace[] = [];
    try {
      places.push(await gate.turn(never));
      server.freeze();
      places.push(await gate.turn(never));
      const third = watchTurn(gate.turn(never));
      server.thaw();
      const redis = server.client();
      await eventually('both to be known', async () => {
        const key = new Keys('bull').venuePlaces(HOST);
        return (await redis.zcard(key)) === 2;
      });
      assert.equal(third.place, null);
      places.forEach((place) => place.release());
      await eventually('its place', () => third.place !== null);
      placeOf(third)?.release();
    } finally {
      places.forEach((place) => place.release());
      await server.stop();
    }
  });
});
