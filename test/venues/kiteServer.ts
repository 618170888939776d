import type { IncomingMessage } from 'node:http';
import type { RawData, WebSocket } from 'ws';
import * as z from 'zod';
import { encodeFrame, encodePacket, HEARTBEAT, type KiteQuote } from './kiteEncoder.ts';
import { requestUrl, VenueServer, type Refusal } from './venueServer.ts';

export interface KiteRules {
  connectionsPerKey: number;
  instrumentsPerConnection: number;
  heartbeatEveryMs: number;
  tickEveryMs: number;
}

/** As published. */
export const KITE_RULES: KiteRules = {
  connectionsPerKey: 3,
  instrumentsPerConnection: 3_000,
  heartbeatEveryMs: 1_000,
  tickEveryMs: 50,
};

/** Whoever has this pair may connect. */
export const KITE_KEY = 'kite-key';
export const KITE_TOKEN = 'kite token/&=1';

const tokens = z.array(z.number().int().positive());
const mode = z.enum(['ltp', 'quote', 'full']);
const request = z.union([
  z.strictObject({ a: z.enum(['subscribe', 'unsubscribe']), v: tokens }),
  z.strictObject({ a: z.literal('mode'), v: z.tuple([mode, tokens]) }),
]);

type Mode = z.infer<typeof mode>;

interface Session {
  socket: WebSocket;
  /** How often each instrument was subscribed: the venue counts each time. */
  counts: Map<number, number>;
  modes: Map<number, Mode>;
}

/** The ticker of Kite Connect 3, with the venue's limits enforced. */
export class KiteServer extends VenueServer {
  private readonly sessions = new Set<Session>();
  private readonly keys = new Map<string, number>();
  private readonly timers: NodeJS.Timeout[];
  private round = 0;

  private constructor(readonly rules: KiteRules) {
    super();
    this.timers = [
      setInterval(() => this.tick(), rules.tickEveryMs),
      setInterval(() => this.sendToAll(HEARTBEAT), rules.heartbeatEveryMs),
    ];
  }

  static async start(rules: Partial<KiteRules> = {}): Promise<KiteServer> {
    const server = new KiteServer({ ...KITE_RULES, ...rules });
    await server.listen();
    return server;
  }

  /** How often each instrument is subscribed, over all connections. */
  subscriptions(): Record<string, number> {
    const total: Record<string, number> = {};
    for (const { counts } of this.sessions) {
      for (const [token, count] of counts) total[token] = (total[token] ?? 0) + count;
    }
    return total;
  }

  /** Text frames: order updates, messages of the broker. */
  sendToAll(frame: string | Buffer): void {
    for (const { socket } of this.sessions) socket.send(frame);
  }

  override async close(): Promise<void> {
    for (const timer of this.timers) clearInterval(timer);
    await super.close();
  }

  protected override admit(request: IncomingMessage): Refusal | undefined {
    const { searchParams } = requestUrl(request);
    const key = searchParams.get('api_key') ?? '';
    if (key !== KITE_KEY || searchParams.get('access_token') !== KITE_TOKEN) {
      return { status: 403, reason: 'Forbidden' };
    }
    const open = this.keys.get(key) ?? 0;
    if (open >= this.rules.connectionsPerKey) {
      this.violate(`connection ${open + 1} with one API key`);
      return { status: 429, reason: 'TooManyRequests' };
    }
    // Counted before the handshake: two that come at once are two.
    this.keys.set(key, open + 1);
    request.socket.once('close', () => this.keys.set(key, (this.keys.get(key) ?? 1) - 1));
    return undefined;
  }

  protected override onClient(socket: WebSocket): void {
    const session: Session = { socket, counts: new Map(), modes: new Map() };
    this.sessions.add(session);
    socket.on('message', (data) => this.onText(session, data));
    socket.on('close', () => this.sessions.delete(session));
    socket.on('error', () => undefined);
  }

  private onText(session: Session, data: RawData): void {
    const text = Buffer.isBuffer(data) ? data.toString('utf8') : '';
    const parsed = request.safeParse(jsonOf(text));
    if (!parsed.success) {
      this.violate(`a request that is none: ${text.slice(0, 80)}`);
      return;
    }
    const { data: asked } = parsed;
    switch (asked.a) {
      case 'mode': {
        this.setModes(session, ...asked.v);
        return;
      }
      case 'subscribe': {
        this.subscribe(session, asked.v);
        return;
      }
      case 'unsubscribe': {
        for (const token of asked.v) {
          session.counts.delete(token);
          session.modes.delete(token);
        }
      }
    }
  }

  /** Too many: an error, and the connection lives on without the new ones. */
  private subscribe({ socket, counts, modes }: Session, asked: number[]): void {
    const limit = this.rules.instrumentsPerConnection;
    const open = [...counts.values()].reduce((sum, count) => sum + count, 0);
    if (open + asked.length > limit) {
      this.violate(`${open + asked.length} instruments over one connection`);
      const error = { type: 'error', data: `Can't subscribe to more than ${limit} instruments.` };
      socket.send(JSON.stringify(error));
      return;
    }
    for (const token of asked) {
      if (counts.has(token)) this.violate(`instrument ${token} was subscribed twice`);
      counts.set(token, (counts.get(token) ?? 0) + 1);
      modes.set(token, modes.get(token) ?? 'quote');
    }
  }

  private setModes({ counts, modes }: Session, wanted: Mode, asked: number[]): void {
    for (const token of asked) {
      if (!counts.has(token)) this.violate(`a mode for ${token}, which is not subscribed`);
      modes.set(token, wanted);
    }
  }

  private tick(): void {
    this.round += 1;
    for (const { socket, modes } of this.sessions) {
      if (modes.size === 0) continue;
      const packets = [...modes].map(([token, wanted]) =>
        encodePacket(kiteQuote(token, this.round), wanted),
      );
      socket.send(encodeFrame(packets));
    }
  }
}

/** A quote that differs from round to round, and in every field. */
export function kiteQuote(token: number, round: number): KiteQuote {
  const seconds = Math.floor(Date.now() / 1_000);
  return {
    ...{ token, lastPrice: 100 + round / 100, lastQuantity: 7, averagePrice: 100.25 },
    ...{ volume: 12_345, buyQuantity: 500, sellQuantity: 600 },
    ...{ open: 99.5, high: 101.75, low: 98.25, close: 99.95, change: 0.3 },
    ...{ lastTradeTime: seconds - 1, oi: 11, oiDayHigh: 13, oiDayLow: 9, exchangeTime: seconds },
    depth: Array.from({ length: 10 }, (_, level) => ({
      ...{ quantity: 10 + level, price: 100 + level / 20, orders: 1 + level },
    })),
  };
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
