import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import { Venues, type TurnWait } from '../../../../agent/streams/connection/venueGate.ts';
import { placeOf, watchTurn } from '../../../harness/watchedTurn.ts';
import { ManualClock, settle } from './manualClock.ts';

const URL_A = 'wss://feed.example.com/ticks';
const never = new AbortController().signal;
setMaxListeners(0, never);

describe('the gate of a venue', () => {
  it('lets everyone in at once without limits', async () => {
    const gate = new Venues(new ManualClock()).of(URL_A, {});
    await Promise.all(Array.from({ length: 500 }, () => gate.turn(never)));
  });

  it('is one per host, with the limits of all its streams', async () => {
    const clock = new ManualClock();
    const venues = new Venues(clock);
    const gate = venues.of(URL_A, { connections: 5 });
    assert.equal(venues.of('wss://feed.example.com/other', { connections: 2 }), gate);
    const turns = [1, 2, 3].map(() => watchTurn(gate.turn(never)));
    await settle();
    assert.deepEqual(
      turns.map(({ place }) => place !== null),
      [true, true, false],
    );
    assert.notEqual(venues.of('wss://other.example.com/', {}), gate);
    assert.notEqual(venues.of('no url', {}), gate);
  });

  it('gives turns in order, never more in a stretch of time than the venue takes', async () => {
    const clock = new ManualClock();
    const gate = new Venues(clock).of(URL_A, { connects: [{ count: 10, per: 1_000 }] });
    const turns: { index: number; at: number }[] = [];
    for (let index = 0; index < 1_000; index += 1) {
      void gate.turn(never).then((place) => {
        turns.push({ index, at: clock.monotonic() });
        place.answered();
      });
    }
    await clock.advance(110_000);
    assert.deepEqual(
      turns.map(({ index }) => index),
      Array.from({ length: 1_000 }, (_, index) => index),
    );
    turns.forEach(({ at }, index) => {
      const later = turns[index + 10];
      if (later !== undefined) assert.ok(later.at - at > 1_000);
    });
  });

  it('counts an attempt from its answer: a slow handshake moves the window', async () => {
    const clock = new ManualClock();
    const gate = new Venues(clock).of(URL_A, { connects: [{ count: 1, per: 1_000 }] });
    const first = await gate.turn(never);
    const second = watchTurn(gate.turn(never));
    await clock.advance(1_500);
    assert.equal(second.place, null, 'the first is not answered yet');
    first.answered();
    await clock.advance(1_000);
    assert.equal(second.place, null);
    await clock.advance(100);
    assert.notEqual(second.place, null);
  });

  it('is not held up for long by an attempt that hangs', async () => {
    const clock = new ManualClock();
    const gate = new Venues(clock).of(URL_A, { connects: [{ count: 1, per: 1_000 }] });
    const hanging = await gate.turn(never);
    const next = watchTurn(gate.turn(never));
    await clock.advance(6_000);
    assert.equal(next.place, null);
    await clock.advance(100);
    assert.notEqual(next.place, null);
    hanging.release();
    const third = watchTurn(gate.turn(never));
    placeOf(next)?.answered();
    await clock.advance(1_100);
    assert.notEqual(third.place, null, 'it is counted once');
  });

  it('takes at most so many sockets at one time, and gives a released place to the next', async () => {
    const clock = new ManualClock();
    const gate = new Venues(clock).of(URL_A, { connections: 2 });
    const first = await gate.turn(never);
    await gate.turn(never);
    const told: TurnWait[] = [];
    const third = watchTurn(gate.turn(never, (wait) => told.push(wait)));
    const fourth = watchTurn(gate.turn(never));
    await settle();
    assert.equal(third.place, null);
    assert.match(told[0]?.why ?? '', /^Waits for a free place: the venue takes 2 connections/);
    assert.equal(told[0]?.forPlace, true);
    first.release();
    first.release();
    await settle();
    assert.notEqual(third.place, null);
    assert.equal(fourth.place, null, 'releasing twice gives one place');
  });

  it('says what it waits for, and when that changes for the first in line', async () => {
    const clock = new ManualClock();
    const limits = { connects: [{ count: 1, per: 60_000 }], connections: 1 };
    const gate = new Venues(clock).of(URL_A, limits);
    const place = await gate.turn(never);
    const told: string[] = [];
    void gate.turn(never, ({ why }) => told.push(why));
    place.release();
    await settle();
    assert.match(told[0] ?? '', /free place/);
    assert.match(told[1] ?? '', /Waits for its turn: the venue takes 1 in 1 min attempts/);
    assert.equal(told.length, 2);
  });

  it('forgets who gives up, in the queue and after it', async () => {
    const clock = new ManualClock();
    const gate = new Venues(clock).of(URL_A, { connections: 1 });
    const place = await gate.turn(never);
    const tired = new AbortController();
    const given = watchTurn(gate.turn(tired.signal));
    const next = watchTurn(gate.turn(never));
    tired.abort();
    await settle();
    assert.ok(given.failed);
    place.release();
    await settle();
    assert.notEqual(next.place, null);
    await assert.rejects(gate.turn(AbortSignal.abort()), /no longer waits/);
  });
});
