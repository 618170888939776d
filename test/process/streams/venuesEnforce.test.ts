import assert from 'node:assert/strict';
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { eventually } from '../../harness/eventually.ts';
import { BinanceServer, type BinanceRules } from '../../venues/binanceServer.ts';
import { KITE_KEY, KITE_TOKEN, KiteServer, type KiteRules } from '../../venues/kiteServer.ts';
import { RollingWindow } from '../../venues/rollingWindow.ts';
import type { VenueServer } from '../../venues/venueServer.ts';

/** A client that knows no rules. */
class NaiveClient {
  readonly heard: string[] = [];
  closeCode = 0;
  status = 0;

  private constructor(readonly socket: WebSocket) {
    socket.on('message', (data) => {
      if (Buffer.isBuffer(data)) this.heard.push(data.toString('utf8'));
    });
    socket.on('close', (code) => (this.closeCode = code));
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      this.status = response.statusCode ?? 0;
      socket.terminate();
    });
  }

  static open(url: string, options: { autoPong?: boolean } = {}): NaiveClient {
    return new NaiveClient(new WebSocket(url, options));
  }

  static async connected(url: string, options?: { autoPong?: boolean }): Promise<NaiveClient> {
    const client = NaiveClient.open(url, options);
    await once(client.socket, 'open');
    return client;
  }

  say(message: unknown): void {
    this.socket.send(JSON.stringify(message));
  }
}

describe('a venue in test', function () {
  let server: VenueServer | undefined;

  afterEach(async () => {
    await server?.close();
    server = undefined;
  });

  const violation = (what: RegExp) =>
    eventually(`a violation ${what}`, () => server?.violations.some((one) => what.test(one)));

  describe('Binance spot, reports', () => {
    const start = async (rules: Partial<BinanceRules> = {}) => {
      const binance = await BinanceServer.start(rules);
      server = binance;
      return { venue: binance, url: `${binance.url}/ws` };
    };
    const subscribe = (...params: string[]) => ({ method: 'SUBSCRIBE', params, id: 1 });

    it('one connect more than is allowed in any window, by the address', async () => {
      const { venue, url } = await start({ connects: { count: 3, perMs: 400 } });
      for (let turn = 0; turn < 3; turn += 1) await NaiveClient.connected(url);
      assert.deepEqual(venue.violations, []);
      const fourth = NaiveClient.open(url);
      await violation(/more than 3 attempts to connect in 400 ms/);
      await eventually('HTTP 429', () => fourth.status === 429);
    });

    it('the sixth message within a second, be it text, a ping or a pong', async () => {
      const sixth: ((client: NaiveClient) => void)[] = [
        (client) => client.say(subscribe('btcusdt@trade')),
        (client) => client.socket.ping(),
        (client) => client.socket.pong(),
      ];
      for (const send of sixth) {
        const { venue, url } = await start();
        const client = await NaiveClient.connected(url);
        for (let turn = 0; turn < 5; turn += 1) client.say(subscribe('btcusdt@trade'));
        await eventually('five answers', () => client.heard.length >= 5);
        assert.deepEqual(venue.violations, []);
        send(client);
        await violation(/more than 5 messages in 1000 ms/);
        await eventually('close 1008', () => client.closeCode === 1008);
        await venue.close();
      }
    });

    it('more streams than one connection may have, asked for in parts or in the address', async () => {
      const { venue, url } = await start({ streamsPerConnection: 4 });
      const client = await NaiveClient.connected(url);
      client.say(subscribe('a@trade', 'b@trade', 'c@trade'));
      client.say(subscribe('c@trade', 'd@trade'));
      await eventually('two answers', () => client.heard.length >= 2);
      assert.deepEqual(venue.violations, []);
      client.say(subscribe('e@trade'));
      await violation(/5 streams over one connection/);
      await eventually('close 1008', () => client.closeCode === 1008);
      venue.violations.splice(0);
      const names = ['a', 'b', 'c', 'd', 'e'].map((pair) => `${pair}@trade`).join('/');
      NaiveClient.open(url.replace('/ws', `/stream?streams=${names}`));
      await violation(/5 streams over one connection/);
    });

    it('a ping that is not answered, also when other pongs come', async () => {
      const { url } = await start({ pingEveryMs: 100, pongWithinMs: 300 });
      const client = await NaiveClient.connected(url, { autoPong: false });
      client.socket.pong('unasked');
      await violation(/no pong to ping 1 within 300 ms/);
      await eventually('the end', () => client.closeCode !== 0);
    });

    it('names and requests that do not exist', async () => {
      const { venue, url } = await start();
      const client = await NaiveClient.connected(url);
      client.say(subscribe('BTCUSDT@trade'));
      await violation(/a stream name that does not exist: BTCUSDT@trade/);
      client.say({ op: 'subscribe' });
      await violation(/a request that is none/);
      await fetch(`${venue.restUrl}/api/v3/aggTrades?symbol=BTCUSDT&fromId=1&limit=1001`);
      await violation(/a REST request that is none/);
    });

    it('nothing of a client that keeps to them; and ends its day with a warning', async () => {
      const { venue, url } = await start({
        ...{ lifetimeMs: 800, shutdownNoticeMs: 400, pingEveryMs: 300, pongWithinMs: 300 },
      });
      const client = await NaiveClient.connected(url);
      client.say(subscribe('btcusdt@aggTrade'));
      await eventually('the end', () => client.closeCode !== 0);
      assert.ok(client.heard.some((text) => text.startsWith('{"e":"serverShutdown"')));
      assert.ok(client.heard.some((text) => text.startsWith('{"e":"aggTrade"')));
      assert.deepEqual(venue.violations, []);
    });
  });

  describe('Kite, reports', () => {
    const query = `?api_key=${KITE_KEY}&access_token=${encodeURIComponent(KITE_TOKEN)}`;
    const start = async (rules: Partial<KiteRules> = {}) => {
      server = await KiteServer.start(rules);
      return `${server.url}/${query}`;
    };
    const subscribe = (...tokens: number[]) => ({ a: 'subscribe', v: tokens });

    it('a fourth connection with one key, also when all come at once', async () => {
      const url = await start();
      const all = [1, 2, 3, 4].map(() => NaiveClient.open(url));
      await violation(/connection 4 with one API key/);
      await eventually('HTTP 429', () => all.filter(({ status }) => status === 429).length === 1);
      assert.equal(server?.violations.length, 1);
    });

    it('too many instruments, and twice counts twice; the connection lives on', async () => {
      const client = await NaiveClient.connected(await start({ instrumentsPerConnection: 3 }));
      client.say(subscribe(1, 2));
      client.say(subscribe(2));
      await violation(/instrument 2 was subscribed twice/);
      client.say(subscribe(3));
      await violation(/4 instruments over one connection/);
      await eventually('an error', () => client.heard.some((text) => text.includes('more than 3')));
      assert.equal(client.socket.readyState, WebSocket.OPEN);
    });

    it('requests that do not exist, and a mode for what is not subscribed', async () => {
      const client = await NaiveClient.connected(await start());
      client.say({ a: 'mode', v: ['full', [5]] });
      await violation(/a mode for 5, which is not subscribed/);
      client.say({ a: 'subscribe', v: ['NSE:INFY'] });
      await violation(/a request that is none/);
    });

    it('nothing when the token is wrong: it answers 403', async () => {
      await start();
      const client = NaiveClient.open(`${server?.url}/?api_key=${KITE_KEY}&access_token=x`);
      await eventually('HTTP 403', () => client.status === 403);
      assert.deepEqual(server?.violations, []);
    });
  });
});

describe('the rolling window of a venue in test', () => {
  it('counts any stretch of time, and not the stretches of a grid', () => {
    const window = new RollingWindow({ count: 3, perMs: 1_000 });
    const taken = [0, 900, 950, 1_001, 1_002, 1_901, 2_002].map((at) => window.add(at));
    assert.deepEqual(taken, [true, true, true, true, false, false, true]);
    const slow = new RollingWindow({ count: 1, perMs: 100 });
    assert.deepEqual(
      [0, 99, 200, 300].map((at) => slow.add(at)),
      [true, false, true, true],
    );
  });
});
