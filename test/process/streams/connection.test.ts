import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { createServer as createTcpServer } from 'node:net';
import { pino } from 'pino';
import { WebSocketServer, type RawData, type WebSocket } from 'ws';
import { systemClock } from '../../../agent/common/clock.ts';
import { jsonAdapter } from '../../../agent/streams/adapters/jsonAdapter.ts';
import type { Tick } from '../../../agent/streams/adapters/tick.ts';
import {
  Connection,
  type ConnectionOptions,
} from '../../../agent/streams/connection/connection.ts';
import { Venues } from '../../../agent/streams/connection/venueGate.ts';
import { eventually } from '../../harness/eventually.ts';
import { portOf } from '../../harness/portOf.ts';
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
      ...{ shard: 0, url, symbols: SYMBOLS, adapter: jsonAdapter, maxRetries: 0, limits: {} },
      venue: new Venues(systemClock).of(url, {}),
      onRotateWanted: () => undefined,
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
  const startServer = async (onSocket: (socket: WebSocket) => void, options: object = {}) => {
    const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options });
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
    assert.deepEqual([row.errors, row.symbolCount, row.trouble], [0, 2, null]);
    assert.ok(row.sinceMs <= Date.now() && row.sinceMs > Date.now() - 60_000);
    assert.ok(connection.isSettled);
    assert.ok(row.messages > 0 && row.ticks >= 200 && row.lastMessageAtMs !== null);
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

  it('notices a frozen server by its silence', async () => {
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
    assert.match(refused.row().trouble ?? '', /HTTP 401.*credentials.*resume the stream/);
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
    const nowhere = connect('ws://[nowhere');
    await becomes(nowhere, 'suspended');
    assert.match(nowhere.row().trouble ?? '', /Correct "url", then restart/);
  });

  it('gives up a server that takes the connection and never answers', async () => {
    const silent = createTcpServer();
    const url = await listen(silent, closers);
    const connection = connect(url, { maxRetries: 1 });
    await becomes(connection, 'suspended');
    assert.match(connection.row().trouble ?? '', /Gave up after 1 retry.*No connection within 2 s/);
  });

  it('goes on when it is resumed', async () => {
    let answer = () => 1008;
    const url = await startServer((socket) => {
      if (answer() !== 0) socket.close(answer());
    });
    const connection = connect(url);
    await becomes(connection, 'suspended');
    answer = () => 0;
    connection.resume();
    await becomes(connection, 'live');
    assert.deepEqual([connection.row().trouble, connection.row().reconnectAttempts], [null, 0]);
  });

  it('asks only for what changes, in frames of the allowed size', async () => {
    const heard: string[] = [];
    const url = await startServer((socket) => {
      socket.on('message', (data) => heard.push(textOf(data)));
    });
    const limits = { symbolsPerFrame: 2 };
    const connection = connect(url, { symbols: ['a', 'b', 'c', 'b'], limits });
    await eventually('both frames', () => connection.isSettled);
    connection.setSymbols(['c', 'd', 'a']);
    await eventually('both changes', () => heard.length === 4);
    assert.deepEqual(heard, [
      '{"op":"subscribe","symbols":["a","b"]}',
      '{"op":"subscribe","symbols":["c"]}',
      '{"op":"unsubscribe","symbols":["b"]}',
      '{"op":"subscribe","symbols":["d"]}',
    ]);
    assert.equal(connection.row().symbolCount, 3);
  });

  it('asks anew for all that is wanted after a break, also for what came meanwhile', async () => {
    const sockets: WebSocket[] = [];
    const heard: string[] = [];
    const url = await startServer((socket) => {
      sockets.push(socket);
      socket.on('message', (data) => heard.push(textOf(data)));
    });
    const connection = connect(url, { symbols: ['a', 'b'] });
    await eventually('the first subscription', () => connection.isSettled);
    sockets[0]?.terminate();
    await eventually('the break', () => connection.row().reconnectAttempts > 0);
    connection.setSymbols(['b', 'c']);
    connection.send(['lost']);
    await eventually('the second subscription', () => connection.isSettled && heard.length > 1);
    assert.deepEqual(heard.slice(1), ['{"op":"subscribe","symbols":["b","c"]}']);
  });

  it('keeps the rate of messages as the server sees it, over subscriptions, pings and pongs', async () => {
    const arrivals: number[] = [];
    const url = await startServer((socket) => {
      const note = () => arrivals.push(performance.now());
      socket.on('message', note).on('ping', note).on('pong', note);
      socket.ping();
    });
    const symbols = Array.from({ length: 7 }, (_, index) => `s${index}`);
    // A window that is long enough for a margin that a busy machine keeps.
    const limits = { symbolsPerFrame: 1, messages: [{ count: 4, per: 2_000 }] };
    // A connection that is made anew has a window of its own: it must not be taken for dead here.
    const timings = { ...TIMINGS, pingAfterSilenceMs: 5_000, answerWithinMs: 5_000 };
    const connection = connect(url, { symbols, limits, timings });
    await eventually('the first four', () => arrivals.length >= 4);
    assert.equal(connection.row().state, 'subscribing');
    assert.equal(connection.isSettled, false);
    connection.send(['resync 1', 'resync 2']);
    await eventually('all of them', () => connection.isSettled && arrivals.length >= 11);
    arrivals.forEach((at, index) => {
      const later = arrivals[index + 4];
      if (later !== undefined) assert.ok(later - at > 2_000, `5 messages in ${later - at} ms`);
    });
    connection.stop(true);
  });

  it('asks to be replaced in time, once per socket, or when the server says so', async () => {
    const reasons: string[] = [];
    const onRotateWanted = (reason: string) => void reasons.push(reason);
    const url = await startServer((socket) => {
      socket.on('message', () => {
        for (let index = 0; index < 3; index += 1) socket.send('bye soon');
      });
    });
    const aged = connect(url, { limits: { maxLifetime: 1_000 }, onRotateWanted, random: () => 0 });
    await eventually('the wish', () => reasons.length === 1);
    assert.match(reasons[0] ?? '', /longest time/);
    await becomes(aged, 'live');
    const parse = () => ({ ticks: [], rotate: 'the server shuts down', refused: 'symbol x' });
    const told = connect(url, { adapter: { ...jsonAdapter, parse }, onRotateWanted });
    await eventually('the other wish', () => reasons.length === 2);
    assert.equal(reasons[1], 'the server shuts down');
    await eventually('the refusal', () => told.row().trouble === 'The server refused: symbol x');
    await eventually(
      'live, and the rest',
      () => told.row().state === 'live' && told.row().errors === 3,
    );
    assert.equal(reasons.length, 2);
  });

  it('has read all that came before, when it says so; without pongs it waits no longer than told', async () => {
    const sockets: WebSocket[] = [];
    const url = await startServer((socket) => {
      sockets.push(socket);
      socket.on('message', () => socket.send('{"op":"subscribed"}'));
    });
    const connection = connect(url, { symbols: ['a'] });
    await becomes(connection, 'live');
    for (let seq = 1; seq <= 500; seq += 1) {
      sockets[0]?.send(JSON.stringify({ symbol: 'a', price: 1, seq }));
    }
    await connection.allRead(60_000);
    assert.equal(ticks.length, 500);
    const gone = connection.allRead(60_000);
    sockets[0]?.terminate();
    await gone;
    await connection.allRead(60_000);
    const answer = (socket: WebSocket) =>
      void socket.on('message', () => socket.send('{"op":"subscribed"}'));
    const mute = await startServer(answer, { autoPong: false });
    const unanswered = connect(mute, {
      symbols: ['a'],
      timings: { ...TIMINGS, answerWithinMs: 60_000 },
    });
    await becomes(unanswered, 'live');
    await unanswered.allRead(50);
  });

  it('waits for its turn at the venue, says so, and gives its place back', async () => {
    const url = await startServer(() => undefined);
    const venue = new Venues(systemClock).of(url, { connections: 1 });
    const first = connect(url, { venue });
    await becomes(first, 'live');
    const second = connect(url, { venue });
    const third = connect(url, { venue });
    await eventually('the reason', () => /free place/.test(second.row().trouble ?? ''));
    assert.equal(second.row().state, 'connecting');
    second.stop(false);
    first.stop(true);
    await becomes(third, 'live');
    assert.equal(second.row().state, 'closed');
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
    connection.resume();
    connection.start();
    assert.equal(connection.row().state, 'closed');
  });
});

function textOf(data: RawData): string {
  return Buffer.isBuffer(data) ? data.toString('utf8') : '';
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
