import assert from 'node:assert/strict';
import { systemClock } from '../../../agent/common/clock.ts';
import { binanceSpotAdapter } from '../../../agent/streams/adapters/binanceSpot.ts';
import { kiteAdapter } from '../../../agent/streams/adapters/kite.ts';
import { Venues } from '../../../agent/streams/connection/venueGate.ts';
import { eventually } from '../../harness/eventually.ts';
import { BinanceServer, type BinanceRules } from '../../venues/binanceServer.ts';
import { KITE_KEY, KITE_TOKEN, KiteServer } from '../../venues/kiteServer.ts';
import { areInARow, VenueClient, type VenueClientOptions } from './venueClient.ts';

/** A client may send that often where the server's times are scaled down, too. */
const FIVE_A_SECOND = [{ count: 5, per: 1_000 }];

describe('Binance spot, against a server that enforces its limits', function () {
  let server: BinanceServer;
  let clients: VenueClient[] = [];

  afterEach(async () => {
    for (const client of clients) client.connection.stop(false);
    clients = [];
    await server.close();
    assert.deepEqual(server.violations, []);
  });

  const startServer = async (rules: Partial<BinanceRules> = {}) => {
    server = await BinanceServer.start(rules);
  };
  const makeAdapter = (url: string) =>
    binanceSpotAdapter({
      ...{ url, clock: systemClock, restUrl: server.restUrl },
      fetch: (where, options) => fetch(where, options),
    });
  const connect = (symbols: string[], options: Partial<VenueClientOptions> = {}) => {
    const url = `${server.url}/stream`;
    const client = new VenueClient({ url, adapter: makeAdapter(url), symbols, ...options });
    clients.push(client);
    return client;
  };
  const streams = (count: number) => Array.from({ length: count }, (_, index) => `C${index}USDT`);

  for (const path of ['/stream', '/ws']) {
    it(`streams trades without a gap over ${path}, each symbol subscribed once`, async () => {
      await startServer();
      const client = connect(['BTCUSDT', 'ethusdt', 'BTCUSDT@bookTicker'], {
        url: `${server.url}${path}`,
      });
      await eventually('ticks', () => client.ticks.length > 150);
      for (const symbol of ['BTCUSDT', 'ethusdt']) {
        assert.ok(client.numbersOf(symbol).length > 10);
        assert.ok(areInARow(client.numbersOf(symbol)));
      }
      assert.ok(client.ticks.some(({ symbol }) => symbol === 'BTCUSDT@bookTicker'));
      assert.deepEqual(server.subscriptions(), {
        ...{ 'btcusdt@aggTrade': 1, 'ethusdt@aggTrade': 1, 'btcusdt@bookTicker': 1 },
      });
      const { state, errors, trouble } = client.connection.row();
      assert.deepEqual([state, errors, trouble], ['live', 0, null]);
    });
  }

  it('brings the trades of a gap, from the REST interface', async () => {
    await startServer();
    const adapter = makeAdapter(`${server.url}/stream`);
    const client = connect(['BTCUSDT'], { adapter });
    await eventually('ticks', () => client.ticks.length > 20);
    server.loseTrades('BTCUSDT', 7);
    const hole = await eventually('the gap', () => {
      const numbers = client.numbersOf('BTCUSDT');
      const at = numbers.findIndex((seq, index) => seq > (numbers[index - 1] ?? seq) + 1);
      return at === -1 ? undefined : { after: numbers[at - 1] ?? 0, before: numbers[at] ?? 0 };
    });
    const found = await adapter.resync?.({ symbol: 'BTCUSDT', ...hole, missing: 7 });
    const expected = Array.from({ length: 7 }, (_, index) => hole.after + 1 + index);
    assert.deepEqual(
      found?.ticks.map(({ symbol, seq }) => [symbol, seq]),
      expected.map((seq) => ['BTCUSDT', seq]),
    );
    assert.equal(server.restRequests, 1);
  });

  it('changes symbols while it streams, and touches only those', async () => {
    await startServer();
    const client = connect(['BTCUSDT', 'ETHUSDT']);
    await eventually('both', () => Object.keys(server.subscriptions()).length === 2);
    const before = server.messages;
    client.connection.setSymbols(['BTCUSDT', 'SOLUSDT', 'XRPUSDT']);
    const wanted = { 'btcusdt@aggTrade': 1, 'solusdt@aggTrade': 1, 'xrpusdt@aggTrade': 1 };
    await eventually('the change', () => {
      assert.deepEqual(server.subscriptions(), wanted);
      return true;
    });
    await eventually('ticks of a new one', () => client.numbersOf('XRPUSDT').length > 5);
    assert.ok(server.messages - before <= 4, 'one frame to go, one to come, pings');
    assert.ok(areInARow(client.numbersOf('BTCUSDT')), 'the one that stayed missed nothing');
    client.connection.stop(true);
    await eventually('the end', () => server.openSockets === 0);
  });

  it('subscribes as many as one connection may have, at the pace that is allowed', async () => {
    await startServer({ tradeEveryMs: 1_000 });
    const client = connect(streams(1_024));
    await eventually('all of them', () => Object.keys(server.subscriptions()).length === 1_024);
    assert.ok(Object.values(server.subscriptions()).every((count) => count === 1));
    await eventually('it is live', () => client.state === 'live');
  });

  it('answers every ping in time and stays, with pongs counted as messages', async () => {
    // 20 s and 60 s, fifty times as fast.
    await startServer({ pingEveryMs: 400, pongWithinMs: 1_200 });
    const client = connect(['BTCUSDT'], { limits: { messages: FIVE_A_SECOND } });
    // The subscription and ten pongs.
    await eventually('pongs', () => server.messages >= 11);
    const { reconnectAttempts, errors } = client.connection.row();
    assert.deepEqual([client.state, reconnectAttempts, errors], ['live', 0, 0]);
    assert.equal(server.connects, 1);
  });

  it('asks to be replaced before the 24 hours are over, in time for a handover', async () => {
    await startServer({ lifetimeMs: 4_000, shutdownNoticeMs: 1 });
    const limits = { maxLifetime: 4_000 };
    const old = connect(['BTCUSDT'], { limits });
    await eventually('the wish', () => old.rotations.length === 1);
    assert.match(old.rotations[0] ?? '', /longest time at the venue/);
    assert.equal(old.state, 'live');
    const next = connect(['BTCUSDT'], { limits });
    await eventually('the new one', () => next.numbersOf('BTCUSDT').length > 0);
    old.connection.stop(true);
    await eventually('one connection', () => server.openSockets === 1);
    await eventually('more ticks', () => next.ticks.length > 20);
    const all = new Set([...old.numbersOf('BTCUSDT'), ...next.numbersOf('BTCUSDT')]);
    assert.ok(areInARow([...all].sort((a, b) => a - b)), 'nothing was missed');
    assert.equal(old.connection.row().reconnectAttempts, 0, 'it was replaced, not cut');
  });

  it('asks to be replaced when the server announces its shutdown, and comes back if nobody does', async () => {
    await startServer({ lifetimeMs: 3_000, shutdownNoticeMs: 2_000 });
    const client = connect(['BTCUSDT']);
    await eventually('the wish', () => client.rotations.length === 1);
    assert.match(client.rotations[0] ?? '', /Binance announced a shutdown/);
    assert.equal(client.state, 'live');
    await eventually('another connection', () => server.connects >= 2);
    const before = client.ticks.length;
    await eventually('ticks again', () => client.ticks.length > before);
  });
});

describe('Kite, against a server that enforces its limits', function () {
  let server: KiteServer;
  let clients: VenueClient[] = [];

  beforeEach(async () => {
    server = await KiteServer.start();
  });
  afterEach(async () => {
    for (const client of clients) client.connection.stop(false);
    clients = [];
    await server.close();
    assert.deepEqual(server.violations, []);
  });

  const urlWith = (token: string) =>
    `${server.url}/?api_key=${KITE_KEY}&access_token=${encodeURIComponent(token)}`;
  const connect = (symbols: string[], options: Partial<VenueClientOptions> = {}) => {
    const url = urlWith(KITE_TOKEN);
    const client = new VenueClient({ url, adapter: kiteAdapter(), symbols, ...options });
    clients.push(client);
    return client;
  };

  it('streams binary quotes in the mode of each instrument', async () => {
    const client = connect(['NSE:INFY=408065', '884737@ltp', 'NIFTY=256265']);
    await eventually('ticks', () => client.ticks.length > 60);
    const last = (symbol: string) => client.ticks.findLast((tick) => tick.symbol === symbol);
    await eventually('modes', () => last('NSE:INFY=408065')?.['mode'] === 'full');
    assert.equal(last('884737@ltp')?.['mode'], 'ltp');
    assert.equal(last('NIFTY=256265')?.['tradable'], false);
    const { ts } = last('NSE:INFY=408065') ?? {};
    assert.ok(typeof ts === 'number' && Math.abs(Date.now() - ts) < 5_000);
    const { state, errors, trouble } = client.connection.row();
    assert.deepEqual([state, errors, trouble], ['live', 0, null]);
  });

  it('changes instruments while it streams', async () => {
    const client = connect(['NSE:INFY=408065', '884737']);
    await eventually('both', () => Object.keys(server.subscriptions()).length === 2);
    client.connection.setSymbols(['NSE:INFY=408065', '5633@quote']);
    await eventually('the change', () => {
      assert.deepEqual(server.subscriptions(), { 408_065: 1, 5_633: 1 });
      return true;
    });
    await eventually('ticks of the new one', () =>
      client.ticks.some(({ symbol, mode }) => symbol === '5633@quote' && mode === 'quote'),
    );
  });

  it('subscribes as many as one connection may have', async () => {
    const tokens = Array.from({ length: 3_000 }, (_, index) => `${256 * (index + 1) + 1}@ltp`);
    const client = connect(tokens);
    await eventually('all of them', () => Object.keys(server.subscriptions()).length === 3_000);
    assert.ok(Object.values(server.subscriptions()).every((count) => count === 1));
    assert.equal(client.connection.row().errors, 0);
  });

  it('lets orders, messages and heartbeats pass', async () => {
    const client = connect(['408065']);
    await eventually('ticks', () => client.ticks.length > 0);
    server.sendToAll('{"type":"order","data":{"order_id":"1","status":"COMPLETE"}}');
    server.sendToAll('{"type":"message","data":"The market closes early"}');
    const { messages } = client.connection.row();
    await eventually('more', () => client.connection.row().messages > messages + 30);
    assert.equal(client.connection.row().errors, 0);
    server.sendToAll('{"type":"error","data":"something is wrong"}');
    await eventually('the error', () =>
      /something is wrong/.test(client.connection.row().trouble ?? ''),
    );
    assert.equal(client.state, 'live');
  });

  it('never opens a fourth connection with one key: it waits for a place', async () => {
    const { limits = {} } = kiteAdapter();
    const venue = new Venues(systemClock).of(urlWith(KITE_TOKEN), limits);
    const all = ['1', '2', '3', '4'].map((token) => connect([token], { venue }));
    await eventually('three', () => all.filter(({ state }) => state === 'live').length === 3);
    const [first, , , fourth] = all;
    assert.match(fourth?.connection.row().trouble ?? '', /takes 3 connections/);
    first?.connection.stop(true);
    await eventually('the fourth', () => fourth?.state === 'live');
    assert.equal(server.openSockets, 3);
  });

  it('waits for a person when the token is not accepted, and does not show it', async () => {
    const client = connect(['408065'], { url: urlWith('token-of-yesterday') });
    await eventually('the end', () => client.state === 'suspended');
    const trouble = client.connection.row().trouble ?? '';
    assert.match(trouble, /403/);
    assert.doesNotMatch(trouble, /token-of-yesterday|kite-key/);
  });
});
