import { WebSocket, type RawData } from 'ws';
import { fullJitterDelayMs, RECONNECT_BACKOFF } from '../common/backoff.ts';
import type { Clock, Timer } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Random } from '../common/random.ts';
import type { Logger } from '../logging.ts';
import type { ConnectionRow } from '../protocol/model.ts';
import type { Frame, StreamAdapter } from './adapter.ts';
import type { CloseCause } from './closeCause.ts';
import {
  beginConnection,
  CONNECTION_TIMINGS,
  stepConnection,
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionModel,
  type ConnectionRules,
  type ConnectionStep,
  type ConnectionTimer,
  type ConnectionTimings,
} from './connectionState.ts';
import { CountedWarning } from './countedWarning.ts';
import { SequenceTracker } from './sequence.ts';
import { endSocket, explainSocketError } from './socketEnd.ts';
import type { Tick } from './tick.ts';

/** More than any feed sends in one frame; a bigger one ends the connection. */
const MAX_FRAME_BYTES = 16 * 1024 * 1024;

export interface ConnectionOptions {
  shard: number;
  url: string;
  symbols: readonly string[];
  adapter: StreamAdapter;
  /** Attempts in a row before it is suspended; 0 = for ever. */
  maxRetries: number;
  timings?: ConnectionTimings;
  clock: Clock;
  random: Random;
  logger: Logger;
  /** Called for each frame with ticks in it; must return at once. */
  onTicks(ticks: Tick[]): void;
  /** Called when the state or the trouble changed, not for each message. */
  onChange(): void;
}

/** One WebSocket connection that keeps itself alive: it carries out what the reducer decides. */
export class Connection {
  private readonly rules: ConnectionRules;
  private readonly sequence = new SequenceTracker();
  private readonly timers = new Map<ConnectionTimer, Timer>();
  private readonly gapWarning: CountedWarning;
  private readonly badFrameWarning: CountedWarning;
  private readonly waiting: ((model: ConnectionModel) => ConnectionStep)[] = [];
  private busy = false;
  private model: ConnectionModel = { state: 'connecting', failures: 0, trouble: null };
  private socket: WebSocket | undefined;
  private lastFrameAt = 0;
  private lastMessageAtMs: number | null = null;
  private badFrame: string | null = null;
  private messages = 0;
  private ticks = 0;
  private errors = 0;

  constructor(private readonly options: ConnectionOptions) {
    const { clock, logger, maxRetries, timings = CONNECTION_TIMINGS } = options;
    this.rules = { maxRetries, timings };
    this.gapWarning = new CountedWarning(clock, (count, symbol) =>
      logger.warn({ count, symbol }, 'ticks are missing, as their numbers tell'),
    );
    this.badFrameWarning = new CountedWarning(clock, (count, reason) =>
      logger.warn({ count, reason }, 'frames that are not understood'),
    );
  }

  start(): void {
    this.proceed(() => beginConnection(this.rules));
  }

  /** Final. Politely: unsubscribes and says goodbye first; otherwise the socket is cut at once. */
  stop(politely: boolean): void {
    this.dispatch({ type: 'stop', politely });
  }

  row(): ConnectionRow {
    const { state, failures, trouble } = this.model;
    return {
      shard: this.options.shard,
      state,
      messages: this.messages,
      ticks: this.ticks,
      errors: this.errors,
      symbols: [...this.options.symbols],
      lastMessageAt:
        this.lastMessageAtMs === null ? null : new Date(this.lastMessageAtMs).toISOString(),
      reconnectAttempts: failures,
      gaps: this.sequence.gaps,
      trouble: trouble ?? this.badFrame,
    };
  }

  private dispatch(event: ConnectionEvent): void {
    this.proceed((model) => stepConnection(model, event, this.rules));
  }

  /** One step after the other: what an effect sets off waits until the effects before it are done. */
  private proceed(step: (model: ConnectionModel) => ConnectionStep): void {
    this.waiting.push(step);
    if (this.busy) return;
    this.busy = true;
    try {
      for (let next = this.waiting.shift(); next !== undefined; next = this.waiting.shift()) {
        const before = this.model;
        const { model, effects } = next(before);
        this.model = model;
        for (const effect of effects) this.carryOut(effect);
        if (model !== before) this.tell(before, model);
      }
    } finally {
      this.busy = false;
    }
  }

  private tell(before: ConnectionModel, after: ConnectionModel): void {
    const { options, sequence } = this;
    if (before.state !== after.state) {
      const failed = after.state === 'backing_off' || after.state === 'suspended';
      if (failed) this.errors += 1;
      const { gaps, duplicates, resets } = sequence;
      const facts = { shard: options.shard, from: before.state, to: after.state };
      options.logger[failed ? 'warn' : 'info'](
        { ...facts, trouble: after.trouble, gaps, duplicates, resets },
        'connection',
      );
    }
    options.onChange();
  }

  private carryOut(effect: ConnectionEffect): void {
    switch (effect.type) {
      case 'open_socket': {
        this.openSocket();
        return;
      }
      case 'drop_socket': {
        this.dropSocket(effect.politely);
        return;
      }
      case 'subscribe': {
        this.subscribe();
        return;
      }
      case 'ping':
        return this.socket?.ping(noop);
      case 'set_timer': {
        this.setTimer(effect.timer, effect.delayMs);
        return;
      }
      case 'back_off': {
        const { random } = this.options;
        const delayMs = fullJitterDelayMs(RECONNECT_BACKOFF, effect.failures, random);
        this.setTimer('retry', delayMs);
        return;
      }
      case 'clear_timer':
        return this.timers.get(effect.timer)?.cancel();
      case 'clear_timers': {
        this.timers.forEach((timer) => timer.cancel());
        return;
      }
    }
  }

  private openSocket(): void {
    let socket: WebSocket;
    try {
      socket = new WebSocket(this.options.url, {
        perMessageDeflate: false,
        maxPayload: MAX_FRAME_BYTES,
      });
    } catch (error) {
      this.dispatch({ type: 'gone', cause: { kind: 'unusable', message: messageOf(error) } });
      return;
    }
    this.socket = socket;
    let socketError: Error | undefined;
    socket.on('open', () => {
      this.lastFrameAt = this.options.clock.monotonic();
      this.dispatch({ type: 'opened' });
    });
    socket.on('message', (data, isBinary) => this.onMessage(data, isBinary));
    socket.on('ping', () => this.onFrame());
    socket.on('pong', () => this.onFrame());
    socket.on('unexpected-response', (_request, response) => {
      const status = response.statusCode ?? 0;
      this.dispatch({ type: 'gone', cause: { kind: 'http', status } });
    });
    // An error is always followed by a close, which tells it.
    socket.on('error', (error) => (socketError = error));
    socket.on('close', (code, reason) => {
      const cause: CloseCause =
        socketError === undefined
          ? { kind: 'close', code, reason: reason.toString('utf8') }
          : { kind: 'error', message: explainSocketError(socketError, this.options.url) };
      this.dispatch({ type: 'gone', cause });
    });
  }

  private dropSocket(politely: boolean): void {
    const { socket } = this;
    this.socket = undefined;
    if (socket === undefined) return;
    const goodbye = politely ? this.framesOf('unsubscribe') : [];
    endSocket(socket, goodbye, politely, this.options.clock);
  }

  private subscribe(): void {
    for (const frame of this.framesOf('subscribe')) this.socket?.send(frame, noop);
  }

  /** An adapter is a person's code: what it throws is told, and ends nothing but this connection. */
  private framesOf(what: 'subscribe' | 'unsubscribe'): Frame[] {
    try {
      return this.options.adapter[what](this.options.symbols);
    } catch (error) {
      const message = `The adapter's "${what}" failed: ${messageOf(error)}. Correct it`;
      this.dispatch({ type: 'gone', cause: { kind: 'unusable', message } });
      return [];
    }
  }

  private onFrame(): void {
    this.lastFrameAt = this.options.clock.monotonic();
    // By far the most frames come while live, where they change nothing else.
    if (this.model.state !== 'live') this.dispatch({ type: 'frame' });
  }

  private onMessage(data: RawData, isBinary: boolean): void {
    this.onFrame();
    this.messages += 1;
    this.lastMessageAtMs = this.options.clock.now();
    const bytes = toBuffer(data);
    let ticks: Tick[];
    try {
      ticks = this.options.adapter.parse(isBinary ? bytes : bytes.toString('utf8'));
    } catch (error) {
      this.errors += 1;
      this.badFrame = `Last frame not understood: ${messageOf(error)}`;
      this.badFrameWarning.add(1, messageOf(error));
      return;
    }
    if (ticks.length === 0) return;
    this.ticks += ticks.length;
    for (const { symbol, seq } of ticks) {
      const missing = this.sequence.observe(symbol, seq);
      if (missing > 0) this.gapWarning.add(missing, symbol);
    }
    this.options.onTicks(ticks);
  }

  private setTimer(timer: ConnectionTimer, delayMs: number): void {
    this.timers.get(timer)?.cancel();
    this.timers.set(
      timer,
      this.options.clock.setTimeout(() => this.onTimer(timer), delayMs),
    );
  }

  private onTimer(timer: ConnectionTimer): void {
    switch (timer) {
      case 'connect': {
        this.dispatch({ type: 'connect_timeout' });
        return;
      }
      case 'silence': {
        const silentForMs = this.options.clock.monotonic() - this.lastFrameAt;
        this.dispatch({ type: 'silence_check', silentForMs });
        return;
      }
      case 'retry': {
        this.dispatch({ type: 'retry_due' });
        return;
      }
      case 'stable': {
        this.dispatch({ type: 'stable' });
        return;
      }
    }
  }
}

const noop = () => undefined;

function toBuffer(data: RawData): Buffer {
  if (Buffer.isBuffer(data)) return data;
  return Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data);
}
