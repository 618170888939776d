// A feed that has every symbol: one tick in each frame. It sends as fast as it is taken, or at a pace.
// Each path has numbers of its own, so that several clients can be measured in turn.
import type { IncomingMessage } from 'node:http';
import { createServer } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import * as z from 'zod';
import { portOf } from '../../harness/portOf.ts';
import { serveFeed, type FeedReport, type FeedRequest } from './feedProtocol.ts';
import { benchTick } from './sideProtocol.ts';

const PACE_STEP_MS = 10;
/** A client that is further behind gets its ticks later: memory of the feed stays bounded. */
const MAX_BUFFERED_BYTES = 4_000_000;

/** Rounds under way to one client. The kernel would take megabytes for each of hundreds of sockets. */
const WINDOW = 2;

const talk = z.object({ op: z.enum(['subscribe', 'unsubscribe']), symbols: z.array(z.string()) });

interface Listener {
  readonly path: string;
  readonly socket: WebSocket;
  readonly raw: Duplex;
  readonly symbols: Set<string>;
  /** Within a step of the pace, so that not all get theirs at the same moment. */
  readonly phase: number;
  /** Ticks of each symbol that it has had at this pace. */
  paced: number;
}

const listeners = new Set<Listener>();
/** The last number of each symbol, by path. */
const numbers = new Map<string, Map<string, number>>();
let sent = 0;
let pacing: NodeJS.Timeout | undefined;

/** One text frame as RFC 6455 has it. Written by hand, so that several can be one write. */
function frameOf(text: string): string {
  const size = text.length;
  const head = size < 126 ? [size] : [126, size >> 8, size & 255];
  return String.fromCharCode(0x81, ...head) + text;
}

type Writes = Extract<FeedRequest, { do: 'burst' }>['writes'];

/** One tick of each symbol of a listener. Texts are ASCII. */
function sendRound({ path, raw, symbols }: Listener, writes: Writes): void {
  const seqs = numbers.get(path) ?? new Map<string, number>();
  numbers.set(path, seqs);
  const now = Date.now();
  let frames = '';
  for (const symbol of symbols) {
    const n = (seqs.get(symbol) ?? 0) + 1;
    seqs.set(symbol, n);
    const frame = frameOf(JSON.stringify(benchTick(symbol, n, now)));
    if (writes === 'single') raw.write(frame, 'latin1');
    else frames += frame;
  }
  sent += symbols.size;
  if (frames !== '') raw.write(frames, 'latin1');
}

/** A ping after each round: its pong tells that the client has read it, and lets the next one go. */
function burst(listener: Listener, rounds: number, writes: Writes): Promise<void> {
  const { socket } = listener;
  return new Promise((resolve) => {
    let left = rounds;
    let underWay = 0;
    const go = () => {
      for (; left > 0 && underWay < WINDOW; left -= 1) {
        underWay += 1;
        sendRound(listener, writes);
        socket.ping();
      }
    };
    const end = () => {
      socket.off('pong', onPong);
      socket.off('close', end);
      resolve();
    };
    const onPong = () => {
      underWay -= 1;
      if (left === 0 && underWay === 0) end();
      else go();
    };
    socket.on('pong', onPong);
    socket.on('close', end);
    go();
  });
}

function pace(perSecond: number, forMs: number): void {
  const startedAt = performance.now();
  const periodMs = 1_000 / perSecond;
  for (const listener of listeners) listener.paced = 0;
  pacing = setInterval(() => {
    const elapsedMs = performance.now() - startedAt;
    if (elapsedMs > forMs) clearInterval(pacing);
    for (const listener of listeners) {
      const due = Math.floor(elapsedMs / periodMs + listener.phase);
      while (listener.paced < due && listener.raw.writableLength < MAX_BUFFERED_BYTES) {
        listener.paced += 1;
        sendRound(listener, 'together');
      }
    }
  }, PACE_STEP_MS);
}

async function perform(request: FeedRequest): Promise<FeedReport> {
  switch (request.do) {
    case 'burst': {
      const own = [...listeners].filter(({ path }) => path === request.path);
      const { perSymbol, writes } = request;
      await Promise.all(own.map((listener) => burst(listener, perSymbol, writes)));
      break;
    }
    case 'pace':
      pace(request.perSecond, request.forMs);
      break;
    case 'rest':
      clearInterval(pacing);
      break;
    case 'report':
      break;
  }
  return { clients: listeners.size, sent, longestUnheardMs: 0 };
}

const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false });
const server = createServer();
server.on('upgrade', (request: IncomingMessage, raw: Duplex, head: Buffer) => {
  sockets.handleUpgrade(request, raw, head, (socket) => {
    const path = (request.url ?? '/').slice(1);
    const symbols = new Set<string>();
    const phase = Math.random();
    const listener: Listener = { path, socket, raw, symbols, phase, paced: 0 };
    listeners.add(listener);
    socket.on('message', (data: Buffer) => {
      const { op, symbols: asked } = talk.parse(JSON.parse(data.toString()));
      for (const symbol of asked) symbols[op === 'subscribe' ? 'add' : 'delete'](symbol);
      socket.send(JSON.stringify({ op: `${op}d` }));
    });
    socket.on('close', () => listeners.delete(listener));
    socket.on('error', () => undefined);
  });
});
server.listen(0, '127.0.0.1', () => serveFeed(portOf(server), perform));
