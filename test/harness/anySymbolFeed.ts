import { WebSocketServer, type WebSocket } from 'ws';
import * as z from 'zod';
import { portOf } from './portOf.ts';

const request = z.object({
  op: z.enum(['subscribe', 'unsubscribe']),
  symbols: z.array(z.string()),
});

/**
 * A feed that has every symbol that anyone asks for. A symbol has one series of numbers, whoever
 * listens: so two connections get the same ticks, and what one misses shows.
 */
export class AnySymbolFeed {
  /** Times at which a symbol, once subscribed, had nobody who listened, in ms. */
  readonly unheardMs: number[] = [];
  /** Connections that are made from now on get everything that much later, in order. */
  lagMs = 0;
  private readonly seqs = new Map<string, number>();
  private readonly listeners = new Map<string, Set<WebSocket>>();
  private readonly unheardSince = new Map<string, number>();
  private readonly lags = new WeakMap<WebSocket, number>();
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly server: WebSocketServer,
    everyMs: number,
  ) {
    server.on('connection', (socket) => {
      this.lags.set(socket, this.lagMs);
      socket.on('message', (data: Buffer) => this.heed(socket, data.toString()));
      socket.on('ping', (data: Buffer) => this.later(socket, () => socket.pong(data)));
      socket.on('close', () => {
        for (const symbol of this.listeners.keys()) this.unsubscribe(socket, symbol);
      });
      socket.on('error', () => undefined);
    });
    this.timer = setInterval(() => this.tick(), everyMs);
  }

  static async start(everyMs = 5, port = 0): Promise<AnySymbolFeed> {
    const server = new WebSocketServer({ port, host: '127.0.0.1', autoPong: false });
    await new Promise((resolve) => server.once('listening', resolve));
    return new AnySymbolFeed(server, everyMs);
  }

  get url(): string {
    return `ws://127.0.0.1:${portOf(this.server)}/`;
  }

  get clients(): number {
    return this.server.clients.size;
  }

  /** Connections that get everything later. */
  get lagging(): number {
    return [...this.server.clients].filter((socket) => (this.lags.get(socket) ?? 0) > 0).length;
  }

  /** How many connections have each symbol that anybody has. */
  subscribers(): number[] {
    return [...this.listeners.values()].map(({ size }) => size).filter((size) => size > 0);
  }

  async close(): Promise<void> {
    clearInterval(this.timer);
    for (const socket of this.server.clients) socket.terminate();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private heed(socket: WebSocket, text: string): void {
    const { op, symbols } = request.parse(JSON.parse(text));
    for (const symbol of symbols) {
      if (op === 'unsubscribe') this.unsubscribe(socket, symbol);
      else this.subscribe(socket, symbol);
    }
    this.send(socket, { op: `${op}d` });
  }

  private subscribe(socket: WebSocket, symbol: string): void {
    const since = this.unheardSince.get(symbol);
    if (since !== undefined) this.unheardMs.push(performance.now() - since);
    this.unheardSince.delete(symbol);
    this.listeners.set(symbol, (this.listeners.get(symbol) ?? new Set()).add(socket));
  }

  private unsubscribe(socket: WebSocket, symbol: string): void {
    const sockets = this.listeners.get(symbol);
    if (sockets?.delete(socket) === true && sockets.size === 0) {
      this.unheardSince.set(symbol, performance.now());
    }
  }

  private tick(): void {
    const perSocket = new Map<WebSocket, object[]>();
    for (const [symbol, sockets] of this.listeners) {
      const seq = (this.seqs.get(symbol) ?? 0) + 1;
      this.seqs.set(symbol, seq);
      const tick = { symbol, price: 100 + (seq % 10), seq, ts: Date.now() };
      for (const socket of sockets) {
        const ticks = perSocket.get(socket) ?? [];
        perSocket.set(socket, ticks);
        ticks.push(tick);
      }
    }
    for (const [socket, ticks] of perSocket) this.send(socket, ticks);
  }

  private send(socket: WebSocket, value: unknown): void {
    const text = JSON.stringify(value);
    this.later(socket, () => socket.send(text));
  }

  private later(socket: WebSocket, act: () => void): void {
    const lagMs = this.lags.get(socket) ?? 0;
    const actIfOpen = () => {
      if (socket.readyState === socket.OPEN) act();
    };
    if (lagMs === 0) actIfOpen();
    else setTimeout(actIfOpen, lagMs);
  }
}
