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
  private readonly seqs = new Map<string, number>();
  private readonly listeners = new Map<string, Set<WebSocket>>();
  private readonly unheardSince = new Map<string, number>();
  private readonly timer: NodeJS.Timeout;

  private constructor(
    private readonly server: WebSocketServer,
    everyMs: number,
  ) {
    server.on('connection', (socket) => {
      socket.on('message', (data: Buffer) => this.heed(socket, data.toString()));
      socket.on('close', () => {
        for (const symbol of this.listeners.keys()) this.unsubscribe(socket, symbol);
      });
      socket.on('error', () => undefined);
    });
    this.timer = setInterval(() => this.tick(), everyMs);
  }

  static async start(everyMs = 5, port = 0): Promise<AnySymbolFeed> {
    const server = new WebSocketServer({ port, host: '127.0.0.1' });
    await new Promise((resolve) => server.once('listening', resolve));
    return new AnySymbolFeed(server, everyMs);
  }

  get url(): string {
    return `ws://127.0.0.1:${portOf(this.server)}/`;
  }

  get clients(): number {
    return this.server.clients.size;
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
    socket.send(JSON.stringify({ op: `${op}d` }));
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
    for (const [socket, ticks] of perSocket) socket.send(JSON.stringify(ticks));
  }
}
