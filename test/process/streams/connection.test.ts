import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { pino } from 'pino';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { systemClock } from '../../../agent/common/clock.ts';
import { Connection, type ConnectionOptions } from '../../../agent/streams/connection.ts';
import { jsonAdapter } from '../../../agent/streams/jsonAdapter.ts';
import type { Tick } from '../../../agent/streams/tick.ts';
import { eventually } from '../../harness/eventually.ts';
import { FeedProcess } from './feedProcess.ts';

const SYMBOLS = ['NSE:RELIANCE25JULFUT', 'NSE:TCS25JULFUT'];

/** A tenth of the real ones: silence of 9 s in earnest is 0.9 s here. */
const TIMINGS = {
  connectTimeoutMs: 1_000,
  pingAfterSilenceMs: 500,
  answerWithinMs: 400,
  stableAfterMs: 1_000,
};

describe('a connection to a real server', function () {
  this.timeout(20_000);
  let closers: (() => unknown)[] = [];
  let ticks: Tick[] = [];

  beforeEach(() => {
    ticks = [];
  });
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
    closers = [];
  });

  const connect = (url: string, options: Partial<ConnectionOptions> = {}) => {
    const connection = new Connection({
      ...{ shard: 0, url, symbols: SYMBOLS, adapter: jsonAdapter, maxRetries: 0 },
      ...{ timings: TIMINGS, clock: systemClock, random: () => 0.2 },
      logger: pino({ level: 'silent' }),
      onTicks: (more) => void ticks.push(...more),
      onChange: () => undefined,
      ...options,
    });
    closers.push(() => connection.stop(false));
    connection.start();
    return connection;
  };
  const startFeed = async (port = 0) => {
    const feed = await FeedProcess.start(port);
    closers.push(() => feed.kill());
    return feed;
  };
  const startServer = async (onSocket: (socket: WebSocket) => void) => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    server.on('connection', onSocket);
    await new Promise((resolve) => server.once('listening', resolve));
    closers.push(() => {
      for (const socket of server.clients) socket.terminate();
      server.close();
    });
    return `ws://127.0.0.1:${portOf(server)}`;
  };
  const becomes = (connection: Connection, state: string) =>
    eventually(`state ${state}`, () => connection.row().state === state);

  it('subscribes and gets ticks of its symbols, without gaps', async () => {
    const feed = await startFeed();
    const connection = connect(feed.url);
    await eventually('200 ticks', () => ticks.length >= 200);
    const row = connection.row();
    assert.equal(row.state, 'live');
    assert.deepEqual([row.errors, row.gaps, row.trouble], [0, 0, null]);
    assert.ok(row.messages > 0 && row.ticks >= 200 && row.lastMessageAt !== null);
    assert.deepEqual([...new Set(ticks.map(({ symbol }) => symbol))].sort(), SYMBOLS);
  });

  it('comes back after a kill -9 of the server', async () => {
    const feed = await startFeed();
    const connection = connect(feed.url);
    await eventually('ticks', () => ticks.length > 0);
    await feed.kill();
    await eventually('a failed attempt', () => connection.row().reconnectAttempts >= 2);
    assert.match(connection.row().trouble ?? '', /Nothing listens there: ws:.*ECONNREFUSED/);
    assert.ok(connection.row().errors >= 2);
    await startFeed(feed.port);
    const before = ticks.length;
    await eventually('ticks again', () => ticks.length > before);
    assert.deepEqual([connection.row().state, connection.row().trouble], ['live', null]);
    await eventually('failures forgotten', () => connection.row().reconnectAttempts === 0);
  });

  it('notices a frozen server by its silence, and counts what was lost meanwhile', async () => {
    const feed = await startFeed();
    const connection = connect(feed.url);
    await eventually('ticks', () => ticks.length > 100);
    feed.freeze();
    const frozenAt = performance.now();
    await eventually('the end of the socket', () => connection.row().reconnectAttempts > 0);
    const noticedAfterMs = performance.now() - frozenAt;
    assert.ok(noticedAfterMs < 2_000, `noticed after ${noticedAfterMs} ms`);
    feed.unfreeze();
    const before = ticks.length;
    await eventually('ticks again', () => ticks.length > before);
    assert.ok(connection.row().gaps > 0, 'ticks were missed, and that is told');
  });

  it('is live without a tick as long as pings are answered', async () => {
    let pings = 0;
    const url = await startServer((socket) => socket.on('ping', () => (pings += 1)));
    const connection = connect(url);
    await eventually('three pings', () => pings >= 3);
    assert.deepEqual([connection.row().reconnectAttempts, connection.row().ticks], [0, 0]);
    await becomes(connection, 'live');
  });

  it('counts frames that it does not understand, keeps the reason, and lives on', async () => {
    const good = JSON.stringify({ symbol: 'a', price: 1 });
    const url = await startServer((socket) => {
      socket.on('message', () => {
        const frames = ['', 'nonsense', '{"symbol":1}', Buffer.from([0, 255, 3]), '[[[', good];
        for (const frame of frames) socket.send(frame);
      });
    });
    const connection = connect(url);
    await eventually('the good tick', () => ticks.length === 1);
    const row = connection.row();
    assert.deepEqual([row.messages, row.errors, row.reconnectAttempts], [6, 5, 0]);
    assert.match(row.trouble ?? '', /not understood: Not JSON: \[\[\[/);
  });

  it('survives an adapter that throws, also when it subscribes', async () => {
    const feed = await startFeed();
    const broken = () => {
      throw new TypeError('the adapter is wrong');
    };
    const parsing = connect(feed.url, { adapter: { ...jsonAdapter, parse: broken } });
    await eventually('errors', () => parsing.row().errors > 5);
    assert.equal(parsing.row().state, 'live');
    const subscribing = connect(feed.url, { adapter: { ...jsonAdapter, subscribe: broken } });
    await becomes(subscribing, 'suspended');
    assert.match(subscribing.row().trouble ?? '', /"subscribe" failed: the adapter is wrong/);
  });

  it('waits for a person after HTTP 401, and tries again after 503', async () => {
    let asked = 0;
    let status = 401;
    const http = createServer();
    http.on('upgrade', (_request, socket) => {
      asked += 1;
      socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\n\r\n`);
    });
    const url = await listen(http, closers);
    const refused = connect(url);
    await becomes(refused, 'suspended');
    assert.match(refused.row().trouble ?? '', /HTTP 401.*credentials.*restart the stream/);
    assert.equal(asked, 1);
    status = 503;
    const busy = connect(url);
    await eventually('more attempts', () => asked >= 3);
    assert.match(busy.row().trouble ?? '', /HTTP 503/);
  });

  it('waits for a person after close code 1008, and when the address is none', async () => {
    const url = await startServer((socket) => socket.close(1008, 'too many symbols'));
    const connection = connect(url);
    await becomes(connection, 'suspended');
    assert.match(connection.row().trouble ?? '', /1008 \("too many symbols"\)/);
    await becomes(connect('ws://[nowhere'), 'suspended');
  });

  it('gives up a server that takes the connection and never answers', async () => {
    const silent = createTcpServer();
    const url = await listen(silent, closers);
    const connection = connect(url, { maxRetries: 1 });
    await becomes(connection, 'suspended');
    assert.match(connection.row().trouble ?? '', /Gave up after 1 retry.*No connection within 1 s/);
  });

  it('unsubscribes and says goodbye when it is stopped politely', async () => {
    const heard: string[] = [];
    let code = 0;
    const url = await startServer((socket) => {
      socket.on('message', (data) => heard.push(textOf(data)));
      socket.on('close', (given) => (code = given));
    });
    const connection = connect(url);
    await eventually('the subscription', () => heard.length === 1);
    connection.stop(true);
    await eventually('the goodbye', () => code !== 0);
    assert.deepEqual(
      heard.map((text) => text.slice(0, 17)),
      ['{"op":"subscribe"', '{"op":"unsubscrib'],
    );
    assert.deepEqual([code, connection.row().state], [1000, 'closed']);
  });

  it('takes nothing more once it is stopped', async () => {
    const feed = await startFeed();
    const connection = connect(feed.url);
    await eventually('ticks', () => ticks.length > 0);
    connection.stop(false);
    const { messages } = connection.row();
    const health = async () => {
      const response = await fetch(`http://127.0.0.1:${feed.port}/health`);
      return JSON.stringify(await response.json());
    };
    await eventually('the server to see it', async () => (await health()).includes('"clients":0'));
    assert.equal(connection.row().messages, messages);
  });
});

function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString('utf8') : '';
}

function portOf(server: { address(): AddressInfo | string | null }): number {
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('not listening');
  return address.port;
}

async function listen(
  server: Server | ReturnType<typeof createTcpServer>,
  closers: (() => unknown)[],
): Promise<string> {
  const sockets = new Set<{ destroy(): unknown }>();
  server.on('connection', (socket: { destroy(): unknown }) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `ws://127.0.0.1:${portOf(server)}/ticks`;
}
