import { fullJitterDelayMs, RECONNECT_BACKOFF } from '../../common/backoff.ts';
import type { Clock, Timer } from '../../common/clock.ts';
import type { Random } from '../../common/random.ts';
import { within } from '../../common/within.ts';
import type { StreamLimits } from '../../config/schema.ts';
import type { TlsCredentials } from '../../config/tlsFiles.ts';
import type { Logger } from '../../logging.ts';
import type { ConnectionState } from '../../protocol/model.ts';
import type { Frame, StreamAdapter } from '../adapters/adapter.ts';
import type { Tick } from '../adapters/tick.ts';
import {
  beginConnection,
  stepConnection,
  troubleOf,
  UNBORN_CONNECTION,
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionModel,
  type ConnectionRules,
  type ConnectionStep,
  type ConnectionTimer,
} from './connectionState.ts';
import { CONNECTION_TIMINGS, type ConnectionTimings } from './connectionTimings.ts';
import { FrameReader, type FrameReaderOptions } from './frameReader.ts';
import { unusableAddress, type SocketListener } from './openSocket.ts';
import { SocketLine } from './socketLine.ts';
import { Subscription } from './subscription.ts';
import { TurnTime } from './turnTime.ts';
import type { VenueGate } from './venueGate.ts';
import type { VenuePlace } from './venueShare.ts';

/** A connection asks to be replaced within this part of its lifetime, so that not all ask at once. */
const ROTATE_FROM = 0.85;
const ROTATE_TO = 0.95;

export interface ConnectionOptions {
  shard: number;
  url: string;
  /** For a server that not everybody knows. */
  tls?: TlsCredentials | undefined;
  adapter: StreamAdapter;
  symbols: readonly string[];
  /** Attempts in a row before it is suspended; 0 = for ever. */
  maxRetries: number;
  /** Shared by all connections of this agent to one host. */
  venue: VenueGate;
  /** Messages, symbols per frame and lifetime; how often and how many connect is the venue's. */
  limits: StreamLimits;
  timings?: ConnectionTimings;
  clock: Clock;
  /** Shared by all connections of an agent, to read the clock less often. Left out: its own. */
  turnTime?: TurnTime;
  random: Random;
  logger: Logger;
  /** Called for each frame with ticks in it; must return at once. */
  onTicks(ticks: Tick[]): void;
  /** As in `FrameReaderOptions`. Left out: every tick comes as one. */
  onScanned?: FrameReaderOptions['onScanned'];
  /** Its end is near: a new connection should take over. Once per socket. Why, in words. */
  onRotateWanted(reason: string): void;
  /** Called when the state or the trouble changed, not for each message. */
  onChange(): void;
}

export interface ConnectionFigures {
  state: ConnectionState;
  /** Since when it is in this state, milliseconds since the epoch. */
  sinceMs: number;
  messages: number;
  ticks: number;
  errors: number;
  lastMessageAtMs: number | null;
  reconnectAttempts: number;
  /** How often it ended or could not be made, since it was begun. */
  breaks: number;
  /** How many symbols it should subscribe to. */
  symbolCount: number;
  trouble: string | null;
}

/** One WebSocket connection that keeps itself alive: it carries out what the reducer decides. */
export class Connection {
  private readonly rules: ConnectionRules;
  private readonly subscription: Subscription;
  private readonly time: TurnTime;
  private readonly reader: FrameReader;
  private readonly timers = new Map<ConnectionTimer, Timer>();
  private readonly waiting: ((model: ConnectionModel) => ConnectionStep)[] = [];
  private busy = false;
  private model = UNBORN_CONNECTION;
  private readonly listener: SocketListener = {
    onOpen: () => this.onOpen(),
    onBytes: () => this.onBytes(),
    onMessage: (data, isBinary) => this.onMessage(data, isBinary),
    onPing: (data) => this.onPing(data),
    onPong: (data) => this.onPong(data),
    onGone: (cause) => this.dispatch({ type: 'gone', cause }),
  };
  private sinceMs: number;
  /** Given up by aborting it. */
  private turn: AbortController | undefined;
  private place: VenuePlace | undefined;
  private line: SocketLine | undefined;
  private settled = false;
  private rotateTold = false;
  private lastByteAt = 0;
  private lastFrameAt = 0;
  /** How often it could not be made, or ended. */
  private breaks = 0;
  private symbolCount: number;

  constructor(private readonly options: ConnectionOptions) {
    const { clock, maxRetries, symbols, limits, timings = CONNECTION_TIMINGS } = options;
    this.rules = { maxRetries, timings, maxLifetimeMs: limits.maxLifetime ?? null };
    this.subscription = new Subscription(symbols);
    this.symbolCount = this.subscription.size;
    this.time = options.turnTime ?? new TurnTime(clock);
    this.sinceMs = clock.now();
    this.reader = new FrameReader({
      ...{ adapter: options.adapter, clock },
      onTicks: (ticks) => options.onTicks(ticks),
      onScanned: options.onScanned,
      onSend: (frames) => this.send(frames),
      onRotate: (reason) => this.wantRotation(reason),
      onBadFrames: (count, reason) => {
        const facts = { shard: options.shard, count, reason };
        options.logger.warn(facts, 'frames that are not understood');
      },
      onNote: () => options.onChange(),
    });
  }

  /** Once: a connection that was stopped before stays closed. */
  start(): void {
    this.proceed((model) =>
      model === UNBORN_CONNECTION ? beginConnection() : { model, effects: [] },
    );
  }

  /** Final. Politely: unsubscribes and says goodbye first; otherwise the socket is cut at once. */
  stop(politely: boolean): void {
    this.dispatch({ type: 'stop', politely });
  }

  /** Begins anew when it is suspended, as if it had never failed; else nothing. */
  resume(): void {
    this.dispatch({ type: 'resume' });
  }

  /** What should be subscribed from now on. The difference is sent, as the limits allow. */
  setSymbols(symbols: readonly string[]): void {
    this.subscription.want(symbols);
    this.symbolCount = this.subscription.size;
    if (this.subscription.isReached) return;
    this.settled = false;
    this.dispatch({ type: 'symbols_changed' });
    this.line?.sendChanges();
  }

  /**
   * Live, and every symbol that is wanted has been asked for. For those of the start the server has
   * proven that it read them: a connection that this one replaces may go. `onChange` tells when.
   */
  get isSettled(): boolean {
    return this.settled && this.model.state === 'live';
  }

  /**
   * Waits until all that the server has sent before now is read here: what another connection has
   * from now on goes on where this one ends. At once where it is not live.
   * @param mostMs for a server that answers no pings
   */
  async allRead(mostMs: number): Promise<void> {
    if (this.line === undefined || this.model.state !== 'live') return;
    await within(this.options.clock, mostMs, this.line.allRead());
  }

  /** Sends frames as the limits allow, in order; forgets them when it is not connected. */
  send(frames: readonly Frame[]): void {
    const refused = this.line?.send(frames) ?? 0;
    if (refused > 0) this.reader.tell(`${refused} frames not sent: too many wait already.`);
  }

  get state(): ConnectionState {
    return this.model.state;
  }

  /** It can not begin before another connection to the venue ends. */
  get waitsForPlace(): boolean {
    return this.model.waits?.forPlace === true;
  }

  row(): ConnectionFigures {
    const { messages, ticks, errors, lastMessageAtMs, trouble } = this.reader;
    return {
      state: this.model.state,
      sinceMs: this.sinceMs,
      ...{ messages, ticks, errors: errors + this.breaks, lastMessageAtMs },
      reconnectAttempts: this.model.failures,
      breaks: this.breaks,
      symbolCount: this.symbolCount,
      trouble: troubleOf(this.model) ?? trouble,
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
    const { clock, logger, shard } = this.options;
    if (before.state !== after.state) {
      this.sinceMs = clock.now();
      const failed = after.state === 'backing_off' || after.state === 'suspended';
      if (failed) this.breaks += 1;
      const facts = { shard, from: before.state, to: after.state, trouble: troubleOf(after) };
      logger[failed ? 'warn' : 'info'](facts, 'connection');
    } else if (troubleOf(before) === troubleOf(after) && before.failures === after.failures) {
      return;
    }
    this.options.onChange();
  }

  private carryOut(effect: ConnectionEffect): void {
    const { random } = this.options;
    switch (effect.type) {
      case 'await_turn': {
        this.awaitTurn();
        return;
      }
      case 'open_socket': {
        this.openSocket();
        return;
      }
      case 'drop_socket': {
        this.dropSocket(effect.politely);
        return;
      }
      case 'subscribe': {
        this.beginSubscribing();
        return;
      }
      case 'ping':
        return this.line?.ping();
      case 'set_timer': {
        this.setTimer(effect.timer, effect.delayMs);
        return;
      }
      case 'back_off': {
        const jitterMs = fullJitterDelayMs(RECONNECT_BACKOFF, effect.failures, random);
        this.setTimer('retry', effect.atLeastMs + jitterMs);
        return;
      }
      case 'plan_rotation': {
        const part = ROTATE_FROM + (ROTATE_TO - ROTATE_FROM) * random();
        this.setTimer('rotate', effect.maxLifetimeMs * part);
        return;
      }
      case 'want_rotation': {
        this.wantRotation('Its longest time at the venue is nearly over.');
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

  private awaitTurn(): void {
    const turn = new AbortController();
    this.turn = turn;
    const enter = (place: VenuePlace) => {
      if (turn.signal.aborted) {
        place.release();
        return;
      }
      this.place = place;
      this.dispatch({ type: 'turn' });
    };
    this.options.venue
      .turn(turn.signal, (wait) => {
        this.dispatch({ type: 'turn_waits', wait });
      })
      .then(enter, noop);
  }

  private openSocket(): void {
    const { url, tls, adapter, limits, clock } = this.options;
    const { subscription, listener } = this;
    const onAllSent = () => this.onAllSent();
    try {
      this.line = new SocketLine({
        ...{ url, tls, adapter, limits, clock, subscription, listener, onAllSent },
      });
    } catch (error) {
      this.dispatch({ type: 'gone', cause: unusableAddress(error) });
    }
  }

  private onOpen(): void {
    this.place?.answered();
    this.lastByteAt = this.options.clock.monotonic();
    this.lastFrameAt = this.lastByteAt;
    this.dispatch({ type: 'opened' });
  }

  private onBytes(): void {
    this.time.read();
    this.lastByteAt = this.time.monotonicMs;
  }

  private beginSubscribing(): void {
    this.settled = false;
    this.rotateTold = false;
    this.reader.forgetTrouble();
    this.line?.subscribe();
  }

  private onAllSent(): void {
    if (this.settled) return;
    this.settled = true;
    this.dispatch({ type: 'subscriptions_sent' });
    if (this.model.state === 'live') this.options.onChange();
  }

  private dropSocket(politely: boolean): void {
    const { line, place } = this;
    this.turn?.abort();
    this.place = undefined;
    this.line = undefined;
    const onEnded = () => place?.release();
    if (line === undefined) onEnded();
    else line.end(politely, onEnded);
  }

  private onPing(data: Buffer): void {
    this.line?.pong(data);
    this.onControlFrame(false);
  }

  private onPong(data: Buffer): void {
    this.line?.onPong(data);
    this.onControlFrame(true);
  }

  private onControlFrame(isPong: boolean): void {
    this.lastFrameAt = this.lastByteAt;
    if (this.model.state !== 'live') this.dispatch({ type: 'frame', isPong });
  }

  private onMessage(data: Buffer, isBinary: boolean): void {
    this.lastFrameAt = this.lastByteAt;
    // By far the most frames come while live, where they change nothing else.
    if (this.model.state !== 'live') this.dispatch({ type: 'frame', isPong: false });
    this.reader.read(data, isBinary, this.time.nowMs);
  }

  private wantRotation(reason: string): void {
    if (this.rotateTold) return;
    this.rotateTold = true;
    this.options.logger.info({ shard: this.options.shard, reason }, 'wants to be replaced');
    this.options.onRotateWanted(reason);
  }

  private setTimer(timer: ConnectionTimer, delayMs: number): void {
    this.timers.get(timer)?.cancel();
    const onDue = () => {
      this.dispatch(this.dueEvent(timer));
    };
    this.timers.set(timer, this.options.clock.setTimeout(onDue, delayMs));
  }

  private dueEvent(timer: ConnectionTimer): ConnectionEvent {
    switch (timer) {
      case 'connect':
        return { type: 'connect_timeout' };
      case 'confirm':
        return { type: 'confirm_due' };
      case 'silence':
        return {
          type: 'silence_check',
          silentForMs: this.sinceMonotonic(this.lastByteAt),
          noFrameForMs: this.sinceMonotonic(this.lastFrameAt),
          pingWaits: this.line?.pingWaits === true,
        };
      case 'retry':
        return { type: 'retry_due' };
      case 'stable':
        return { type: 'stable' };
      case 'rotate':
        return { type: 'rotate_due' };
    }
  }

  private sinceMonotonic(atMs: number): number {
    return this.options.clock.monotonic() - atMs;
  }
}

const noop = () => undefined;
