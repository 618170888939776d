import assert from 'node:assert/strict';
import { systemClock } from '../../../agent/common/clock.ts';
import { systemRandom } from '../../../agent/common/random.ts';
import {
  CONNECTION_TIMINGS,
  DEAD_NOTICED_WITHIN_MS,
  SUBSCRIBED_AGAIN_WITHIN_MS,
} from '../../../agent/streams/connection/connectionTimings.ts';
import { TurnTime } from '../../../agent/streams/connection/turnTime.ts';
import { Venues } from '../../../agent/streams/connection/venueGate.ts';
import { eventually } from '../../harness/eventually.ts';
import { WatchedConnection } from './connectionHarness.ts';
import { HostileServer } from './hostileServer.ts';

const CONNECTIONS = 1_000;
const CONNECTS = { count: 250, per: 1_000 };

describe('a connection that recovers', function () {
  let closers: (() => unknown)[] = [];
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
    closers = [];
  });

  it('notices a dead socket within 10 s and is subscribed again within 15 s, as it is shipped', async () => {
    const server = await HostileServer.start((peer) => peer.upgrade());
    closers.push(() => server.close());
    const watched = new WatchedConnection(server.url, {
      ...{ timings: CONNECTION_TIMINGS, random: systemRandom },
    });
    closers.push(() => watched.connection.stop(false));
    await eventually('live', () => watched.connection.isSettled);
    const [peer] = server.peers;
    assert.ok(peer !== undefined);
    peer.answersPings = false;
    const deadAt = performance.now();
    await eventually('the end of the socket', () => watched.firstFailure);
    const noticedMs = performance.now() - deadAt;
    await eventually('subscribed again', () => watched.connection.isSettled);
    const recoveredMs = performance.now() - deadAt;
    assert.ok(noticedMs <= DEAD_NOTICED_WITHIN_MS, `noticed after ${noticedMs} ms`);
    assert.ok(recoveredMs <= SUBSCRIBED_AGAIN_WITHIN_MS, `subscribed after ${recoveredMs} ms`);
  });

  it('does so a thousand times at once, never faster than the venue takes them', async () => {
    const arrivals: number[] = [];
    const server = await HostileServer.start((peer) => {
      arrivals.push(performance.now());
      peer.upgrade();
    });
    closers.push(() => server.close());
    const venue = new Venues(systemClock).of(server.url, { connects: [CONNECTS] });
    const turnTime = new TurnTime(systemClock);
    const all = Array.from({ length: CONNECTIONS }, (_, shard) => {
      const options = { shard, venue, turnTime, timings: CONNECTION_TIMINGS, random: systemRandom };
      return new WatchedConnection(server.url, options);
    });
    closers.push(() => {
      for (const { connection } of all) connection.stop(false);
    });
    const settled = () => all.filter(({ connection }) => connection.isSettled).length;
    await eventually('all live', () => settled() === CONNECTIONS, { deadlineMs: 40_000 });
    for (const { socket } of server.peers) socket.destroy();
    await eventually('the drop', () => settled() < CONNECTIONS / 2);
    await eventually('all live again', () => settled() === CONNECTIONS, { deadlineMs: 40_000 });
    assert.equal(arrivals.length, 2 * CONNECTIONS, 'nobody had to try twice');
    arrivals.forEach((at, index) => {
      const later = arrivals[index + CONNECTS.count];
      if (later !== undefined) assert.ok(later - at > CONNECTS.per, `${later - at} ms`);
    });
  });
});
