import type { RawData, WebSocket } from 'ws';
import * as z from 'zod';
import type { BinanceRules } from './binanceServer.ts';
import { RollingWindow } from './rollingWindow.ts';

const request = z.object({
  method: z.enum(['SUBSCRIBE', 'UNSUBSCRIBE', 'LIST_SUBSCRIPTIONS']),
  params: z.array(z.string()).default([]),
  id: z.number().int(),
});

const STREAM_NAME = /^[a-z0-9]+@\w+(@[\w:+-]+)?$/;

/** One client of the Binance server: what it subscribes to, and whether it keeps the rules. */
export class BinanceSession {
  readonly streams = new Set<string>();
  private readonly messages: RollingWindow;
  private readonly timers: NodeJS.Timeout[] = [];
  private readonly unanswered = new Map<string, NodeJS.Timeout>();
  private pings = 0;

  constructor(
    private readonly socket: WebSocket,
    private readonly combined: boolean,
    private readonly rules: BinanceRules,
    private readonly violate: (what: string) => void,
    private readonly heard: () => void,
  ) {
    this.messages = new RollingWindow(rules.messages);
    const { lifetimeMs, shutdownNoticeMs, pingEveryMs } = rules;
    this.timers.push(
      setTimeout(() => this.announceShutdown(), Math.max(0, lifetimeMs - shutdownNoticeMs)),
      setTimeout(() => socket.close(1001, 'the connection is 24 hours old'), lifetimeMs),
      setInterval(() => this.ping(), pingEveryMs),
    );
    socket.on('message', (data) => this.onText(data));
    socket.on('ping', () => this.count('a PING frame'));
    socket.on('pong', (payload) => this.onPong(payload.toString('utf8')));
    socket.on('close', () => this.end());
    socket.on('error', () => undefined);
  }

  /** Adds streams that stand in the URL, or were asked for. */
  add(names: readonly string[]): void {
    for (const name of names) {
      if (!STREAM_NAME.test(name)) this.violate(`a stream name that does not exist: ${name}`);
      this.streams.add(name);
    }
    if (this.streams.size <= this.rules.streamsPerConnection) return;
    this.violate(`${this.streams.size} streams over one connection`);
    this.socket.close(1008, 'Too many streams');
  }

  publish(stream: string, event: object): void {
    this.socket.send(JSON.stringify(this.combined ? { stream, data: event } : event));
  }

  drop(): void {
    this.socket.terminate();
  }

  private announceShutdown(): void {
    this.publish('!serverShutdown', { e: 'serverShutdown', E: Date.now() });
  }

  private ping(): void {
    this.pings += 1;
    const payload = String(this.pings);
    this.socket.ping(payload);
    const timer = setTimeout(() => {
      this.violate(`no pong to ping ${payload} within ${this.rules.pongWithinMs} ms`);
      this.drop();
    }, this.rules.pongWithinMs);
    this.unanswered.set(payload, timer);
  }

  /** Only the copy of a ping's payload is an answer; others are messages, and no more. */
  private onPong(payload: string): void {
    if (!this.count('a PONG frame')) return;
    clearTimeout(this.unanswered.get(payload));
    this.unanswered.delete(payload);
  }

  private onText(data: RawData): void {
    const text = Buffer.isBuffer(data) ? data.toString('utf8') : '';
    if (!this.count(text)) return;
    const parsed = request.safeParse(jsonOf(text));
    if (!parsed.success) {
      this.violate(`a request that is none: ${text}`);
      this.socket.send('{"code":2,"msg":"Invalid request: missing field `method`"}');
      return;
    }
    const { method, params, id } = parsed.data;
    if (method === 'SUBSCRIBE') this.add(params);
    if (method === 'UNSUBSCRIBE') for (const name of params) this.streams.delete(name);
    const result = method === 'LIST_SUBSCRIPTIONS' ? [...this.streams] : null;
    this.socket.send(JSON.stringify({ result, id }));
  }

  /** @returns false when it was one too many, and the connection is over */
  private count(what: string): boolean {
    this.heard();
    if (this.messages.add(performance.now())) return true;
    const { count, perMs } = this.rules.messages;
    this.violate(`more than ${count} messages in ${perMs} ms, the last was ${what.slice(0, 80)}`);
    this.socket.close(1008, 'Too many requests');
    return false;
  }

  private end(): void {
    for (const timer of [...this.timers, ...this.unanswered.values()]) clearTimeout(timer);
  }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
