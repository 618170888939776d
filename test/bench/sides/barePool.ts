import { once } from 'node:events';
import { WebSocket } from 'ws';
import type { SideRequest } from './sideProtocol.ts';

/** Ticks that have not come by then never come. */
const SILENT_FOR_MS = 10_000;

type OpenPool = Extract<SideRequest, { do: 'openPool' }>;

/** As many connections of `ws` as everybody has it, without any care for what may go wrong. */
export class BarePool {
  private received = 0;
  private wanted = Infinity;
  private reached: () => void = () => undefined;
  private readonly counts = new Map<string, number>();

  private constructor(private readonly sockets: readonly WebSocket[]) {}

  static async open({ url, symbols, connections, work }: OpenPool): Promise<BarePool> {
    const perConnection = Math.ceil(symbols.length / connections);
    const sockets = Array.from({ length: connections }, () => {
      return new WebSocket(url, { perMessageDeflate: false });
    });
    const pool = new BarePool(sockets);
    const subscribe = async (socket: WebSocket, index: number) => {
      await once(socket, 'open');
      const own = symbols.slice(index * perConnection, (index + 1) * perConnection);
      const answered = once(socket, 'message');
      socket.send(JSON.stringify({ op: 'subscribe', symbols: own }));
      await answered;
      socket.on('message', work === 'parse' ? pool.onFrame : pool.onMessage);
    };
    await Promise.all(sockets.map(subscribe));
    return pool;
  }

  /** Until so many more frames came in. @returns ms */
  take(count: number): Promise<number> {
    const startedAt = performance.now();
    const target = this.received + count;
    return new Promise((resolve, reject) => {
      let before = -1;
      const watch = setInterval(() => {
        if (this.received === before) {
          clearInterval(watch);
          reject(new Error(`a bare client got ${this.received} of ${target} frames`));
        }
        before = this.received;
      }, SILENT_FOR_MS);
      this.wanted = target;
      this.reached = () => {
        clearInterval(watch);
        resolve(performance.now() - startedAt);
      };
    });
  }

  close(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  private readonly onMessage = () => {
    this.received += 1;
    if (this.received === this.wanted) this.reached();
  };

  /** The least that a client does that knows how many ticks each symbol had. */
  private readonly onFrame = (data: Buffer) => {
    const tick: unknown = JSON.parse(data.toString());
    if (hasSymbol(tick)) {
      this.counts.set(tick.symbol, (this.counts.get(tick.symbol) ?? 0) + 1);
    }
    this.onMessage();
  };
}

function hasSymbol(value: unknown): value is { symbol: string } {
  return (
    typeof value === 'object' &&
    value !== null &&
    'symbol' in value &&
    typeof value.symbol === 'string'
  );
}
