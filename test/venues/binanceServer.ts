import type { IncomingMessage, ServerResponse } from 'node:http';
import type { WebSocket } from 'ws';
import { BinanceMarket, type AggregateTrade } from './binanceMarket.ts';
import { BinanceSession } from './binanceSession.ts';
import { RollingWindow, type Rate } from './rollingWindow.ts';
import { requestUrl, VenueServer, type Refusal } from './venueServer.ts';

export interface BinanceRules {
  /** Attempts to connect, per address. */
  connects: Rate;
  /** Of a client over one connection: text, PING and PONG frames. */
  messages: Rate;
  streamsPerConnection: number;
  pingEveryMs: number;
  pongWithinMs: number;
  lifetimeMs: number;
  /** The event `serverShutdown` comes that long before the end. */
  shutdownNoticeMs: number;
  /** Between two trades of each pair that somebody listens to. */
  tradeEveryMs: number;
}

/** As published; tests scale the times down. */
export const BINANCE_RULES: BinanceRules = {
  connects: { count: 300, perMs: 300_000 },
  messages: { count: 5, perMs: 1_000 },
  streamsPerConnection: 1_024,
  pingEveryMs: 20_000,
  pongWithinMs: 60_000,
  lifetimeMs: 24 * 60 * 60_000,
  shutdownNoticeMs: 10 * 60_000,
  tradeEveryMs: 20,
};

const MAX_LISTED = 1_000;

/** Market streams and aggregate trades of Binance spot, with the venue's limits enforced. */
export class BinanceServer extends VenueServer {
  /** Text, PING and PONG frames of all clients. */
  messages = 0;
  /** Upgrades asked for. */
  connects = 0;
  /** Requests to the REST interface. */
  restRequests = 0;
  private readonly market = new BinanceMarket();
  private readonly pairs = new Set<string>();
  private readonly sessions = new Set<BinanceSession>();
  private readonly attempts = new Map<string, RollingWindow>();
  private readonly timer: NodeJS.Timeout;

  private constructor(readonly rules: BinanceRules) {
    super();
    this.timer = setInterval(() => this.trade(), rules.tradeEveryMs);
  }

  static async start(rules: Partial<BinanceRules> = {}): Promise<BinanceServer> {
    const server = new BinanceServer({ ...BINANCE_RULES, ...rules });
    await server.listen();
    return server;
  }

  get restUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** How many connections subscribe to each stream. */
  subscriptions(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { streams } of this.sessions) {
      for (const name of streams) counts[name] = (counts[name] ?? 0) + 1;
    }
    return counts;
  }

  /** Trades that happen, and that no socket hears of. @param pair in capitals */
  loseTrades(pair: string, count: number): void {
    for (let lost = 0; lost < count; lost += 1) this.market.next(pair);
  }

  override async close(): Promise<void> {
    clearInterval(this.timer);
    await super.close();
  }

  protected override admit(request: IncomingMessage): Refusal | undefined {
    this.connects += 1;
    const address = request.socket.remoteAddress ?? '';
    const window = this.attempts.get(address) ?? new RollingWindow(this.rules.connects);
    this.attempts.set(address, window);
    const { count, perMs } = this.rules.connects;
    if (!window.add(performance.now())) {
      this.violate(`more than ${count} attempts to connect in ${perMs} ms`);
      return { status: 429, reason: 'Too Many Requests', retryAfterS: Math.ceil(perMs / 1_000) };
    }
    const { pathname } = requestUrl(request);
    return /^\/(ws|stream)(\/|$)/.test(pathname) ? undefined : { status: 404, reason: 'Not Found' };
  }

  protected override onClient(client: WebSocket, request: IncomingMessage): void {
    const url = requestUrl(request);
    const combined = url.pathname.startsWith('/stream');
    const session = new BinanceSession(
      client,
      combined,
      this.rules,
      (what) => this.violate(what),
      () => (this.messages += 1),
    );
    this.sessions.add(session);
    client.on('close', () => this.sessions.delete(session));
    const asked = combined ? url.searchParams.get('streams') : url.pathname.replace(/^\/ws\/?/, '');
    session.add((asked ?? '').split('/').filter((name) => name !== ''));
  }

  protected override onRequest(request: IncomingMessage, response: ServerResponse): void {
    this.restRequests += 1;
    const url = requestUrl(request);
    const pair = url.searchParams.get('symbol') ?? '';
    const [fromId, limit] = ['fromId', 'limit'].map((name) => Number(url.searchParams.get(name)));
    const good =
      url.pathname === '/api/v3/aggTrades' && /^[A-Z0-9]+$/.test(pair) && fromId !== undefined;
    if (!good || limit === undefined || limit < 1 || limit > MAX_LISTED) {
      this.violate(`a REST request that is none: ${url.href}`);
      response
        .writeHead(400)
        .end('{"code":-1100,"msg":"Illegal characters found in a parameter."}');
      return;
    }
    const trades = JSON.stringify(this.market.list(pair, fromId, limit));
    response.writeHead(200, { 'content-type': 'application/json' }).end(trades);
  }

  /** A pair that somebody listened to once is traded for ever: who is away misses trades. */
  private trade(): void {
    for (const { streams } of this.sessions)
      for (const name of streams) this.pairs.add(pairOf(name));
    const trades = new Map<string, AggregateTrade>();
    for (const pair of this.pairs) trades.set(pair, this.market.next(pair));
    for (const session of this.sessions) {
      for (const name of session.streams) {
        const trade = trades.get(pairOf(name));
        const event = trade === undefined ? undefined : eventOf(name, trade);
        if (event !== undefined) session.publish(name, event);
      }
    }
  }
}

function pairOf(stream: string): string {
  return (stream.split('@')[0] ?? '').toUpperCase();
}

/** The events that tests look at; other streams stay silent. */
function eventOf(stream: string, trade: AggregateTrade): object | undefined {
  const pair = pairOf(stream);
  const kind = stream.split('@')[1];
  const { a, p, q, T, m, M } = trade;
  if (kind === 'aggTrade') return { e: 'aggTrade', E: Date.now(), s: pair, ...trade };
  if (kind === 'trade') return { e: 'trade', E: Date.now(), s: pair, t: a, p, q, T, m, M };
  if (kind !== 'bookTicker') return undefined;
  return { u: a * 7, s: pair, b: `${a}.00`, B: q, a: `${a}.50`, A: q };
}
