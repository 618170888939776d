import assert from 'node:assert/strict';
import { systemClock } from '../../../agent/common/clock.ts';
import { binanceSpotAdapter } from '../../../agent/streams/adapters/binanceSpot.ts';
import { Venues } from '../../../agent/streams/connection/venueGate.ts';
import { eventually } from '../../harness/eventually.ts';
import { VenueProcess } from '../../venues/venueProcess.ts';
import { VenueClient } from './venueClient.ts';

const CONNECTIONS = 1_000;

/** 300 in 5 min, a hundred times as fast. */
const WINDOW_MS = 3_000;

const WAIT = { deadlineMs: 60_000, everyMs: 100 };

describe('1,000 connections that are dropped at once', function () {
  this.timeout(120_000);
  let server: VenueProcess;
  let clients: VenueClient[] = [];

  before(async () => {
    server = await VenueProcess.start({
      ...{ connects: { count: 300, perMs: WINDOW_MS }, tradeEveryMs: 2_000 },
    });
  });
  after(async () => {
    for (const client of clients) client.connection.stop(false);
    await server.kill();
  });

  it('come back without breaking a rule of the venue, and all are live again', async function () {
    const url = `${server.url}/stream`;
    const adapter = binanceSpotAdapter({
      ...{ url, clock: systemClock },
      fetch: () => Promise.reject(new Error('nothing is fetched here')),
    });
    const limits = { ...adapter.limits, connects: [{ count: 300, per: WINDOW_MS }] };
    const venue = new Venues(systemClock).of(url, limits);
    clients = Array.from(
      { length: CONNECTIONS },
      (_, index) => new VenueClient({ url, adapter, symbols: [`C${index}USDT`], limits, venue }),
    );
    await allLive('the first time');
    const before = await server.report();
    assert.deepEqual(before.violations, []);
    assert.equal(before.connects, CONNECTIONS);

    const droppedAt = performance.now();
    await server.drop();
    await eventually(
      'the drop to be seen',
      () => clients.every(({ connection }) => connection.row().reconnectAttempts > 0),
      WAIT,
    );
    await allLive('again');
    const tookMs = performance.now() - droppedAt;

    const after = await server.report();
    assert.deepEqual(after.violations, []);
    assert.equal(after.openSockets, CONNECTIONS);
    assert.equal(Object.keys(after.subscriptions).length, CONNECTIONS);
    assert.ok(Object.values(after.subscriptions).every((count) => count === 1));
    // Not one attempt was wasted.
    assert.equal(after.connects, 2 * CONNECTIONS);
    // Four windows hold them: no faster is possible, and not much slower is good.
    assert.ok(tookMs > 3 * WINDOW_MS && tookMs < 10 * WINDOW_MS, `it took ${tookMs} ms`);
  });

  const allLive = (when: string) =>
    eventually(`all live ${when}`, () => clients.every(({ state }) => state === 'live'), WAIT);
});
