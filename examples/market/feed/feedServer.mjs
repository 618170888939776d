// A market data feed, such as a broker has: a real WebSocket server with reproducible prices.
//   node examples/market/feed/feedServer.mjs --port 9010 --rate 200 --seed 7
// Clients send {"op":"subscribe","symbols":[…]} or {"op":"unsubscribe",…} to ws://…/ticks and get
// ticks {"symbol","price","seq","ts","volume"}, alone or as an array. GET /health tells how it is.
import { createServer } from 'node:http';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { clearInterval, setInterval } from 'node:timers';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocketServer } from 'ws';
import { priceWalk, SYMBOLS } from './priceWalk.mjs';

export const FEED_NAME = 'interlock-example-feed';
export const FEED_PORT = 9010;

/** Ticks leave that often: many at a time when the rate is high. */
const SEND_EVERY_MS = 20;
const MAX_SUBSCRIBE_BYTES = 64 * 1024;

/**
 * @param {{ port?: number, ratePerSecond?: number, seed?: number }} [options] port 0: one that is
 *   free. The rate is that of all symbols together.
 * @returns {Promise<{ port: number, url: string, health(): object, close(): Promise<void> }>}
 * @throws {Error} EADDRINUSE, when another program listens there
 */
export async function startFeedServer({ port = FEED_PORT, ratePerSecond = 200, seed = 7 } = {}) {
  /** @type {Map<import('ws').WebSocket, Set<string>>} */
  const subscriptions = new Map();
  const nextTick = priceWalk(seed);
  const startedAt = performance.now();
  let made = 0;

  const health = () => ({
    name: FEED_NAME,
    clients: subscriptions.size,
    ticks: made,
    ratePerSecond,
    seed,
  });
  const http = createServer((request, response) => {
    const found = request.method === 'GET' && request.url === '/health';
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' });
    response.end(
      JSON.stringify(found ? health() : { error: 'GET /health, or a WebSocket to /ticks' }),
    );
  });
  const sockets = new WebSocketServer({
    server: http,
    path: '/ticks',
    maxPayload: MAX_SUBSCRIBE_BYTES,
  });
  sockets.on('connection', (socket) => {
    const symbols = new Set();
    subscriptions.set(socket, symbols);
    socket.on('message', (data) => socket.send(JSON.stringify(answer(data.toString(), symbols))));
    socket.on('error', () => socket.terminate());
    socket.on('close', () => subscriptions.delete(socket));
  });

  await new Promise((resolve, reject) => {
    // ws hands the errors of the HTTP server on.
    sockets.once('error', reject);
    http.listen(port, '127.0.0.1', resolve);
  });
  sockets.on('error', () => undefined);

  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1_000) * ratePerSecond);
    // After a sleep of the machine only the last second is made good.
    made = Math.max(made, due - ratePerSecond);
    const ticks = [];
    for (; made < due; made += 1) ticks.push(nextTick(Date.now()));
    for (const [socket, symbols] of subscriptions) {
      const wanted = ticks.filter(({ symbol }) => symbols.has(symbol));
      if (wanted.length > 0) socket.send(JSON.stringify(wanted.length === 1 ? wanted[0] : wanted));
    }
  }, SEND_EVERY_MS);

  const address = http.address();
  const actualPort = typeof address === 'object' && address !== null ? address.port : port;
  return {
    port: actualPort,
    url: `ws://127.0.0.1:${actualPort}/ticks`,
    health,
    close: async () => {
      clearInterval(timer);
      for (const socket of subscriptions.keys()) socket.close(1001, 'the feed stops');
      sockets.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

/**
 * @param {string} text what a client sent
 * @param {Set<string>} symbols what it is subscribed to; is changed
 */
function answer(text, symbols) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return { op: 'error', message: 'not JSON' };
  }
  const asked = Array.isArray(message?.symbols)
    ? message.symbols.filter((s) => typeof s === 'string')
    : [];
  const unknown = asked.filter((symbol) => !SYMBOLS.includes(symbol));
  if (message?.op === 'subscribe') {
    for (const symbol of asked) if (SYMBOLS.includes(symbol)) symbols.add(symbol);
    return { op: 'subscribed', symbols: [...symbols], unknown };
  }
  if (message?.op === 'unsubscribe') {
    for (const symbol of asked) symbols.delete(symbol);
    return { op: 'unsubscribed', symbols: [...symbols], unknown };
  }
  return { op: 'error', message: 'expected "op": "subscribe" or "unsubscribe"' };
}

async function main() {
  const { values } = parseArgs({
    options: { port: { type: 'string' }, rate: { type: 'string' }, seed: { type: 'string' } },
  });
  const feed = await startFeedServer({
    port: Number(values.port ?? FEED_PORT),
    ratePerSecond: Number(values.rate ?? 200),
    seed: Number(values.seed ?? 7),
  });
  process.stderr.write(`The feed listens at ${feed.url}\n`);
  // Whoever started it may want to know the port, and ends it by a signal.
  process.send?.({ port: feed.port });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.once(signal, () => void feed.close().then(() => process.exit(0)));
  }
}

if (
  process.argv[1] !== undefined &&
  path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  main().catch((error) => {
    process.stderr.write(`The feed can not start: ${error.message}\n`);
    process.exit(1);
  });
}
