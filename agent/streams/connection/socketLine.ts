import type { WebSocket } from 'ws';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { StreamLimits } from '../../config/schema.ts';
import type { TlsCredentials } from '../../config/tlsFiles.ts';
import type { Frame, StreamAdapter } from '../adapters/adapter.ts';
import { openSocket, type SocketListener } from './openSocket.ts';
import { PacedSender, type Outgoing } from './pacedSender.ts';
import { printable } from './printable.ts';
import { ratesOf } from './rateWindow.ts';
import { ReadMarks } from './readMarks.ts';
import { endSocket } from './socketEnd.ts';
import type { Subscription, SubscriptionStep } from './subscription.ts';

export interface SocketLineOptions {
  url: string;
  tls?: TlsCredentials | undefined;
  adapter: StreamAdapter;
  limits: StreamLimits;
  clock: Clock;
  /** Begins anew with this socket. */
  subscription: Subscription;
  listener: SocketListener;
  /** All that is wanted has been asked for. */
  onAllSent(): void;
}

/** One socket from its opening to its end, with what is sent over it. */
export class SocketLine {
  private readonly socket: WebSocket;
  private readonly sender: PacedSender;
  private readonly marks = new ReadMarks();
  private subscribing = false;

  /** @throws SyntaxError when the address is none */
  constructor(private readonly options: SocketLineOptions) {
    const { url, tls, listener, clock, limits } = options;
    this.socket = openSocket(url, listener, clock, tls);
    this.sender = new PacedSender({
      clock,
      rates: ratesOf(limits.messages),
      transmit: (outgoing, done) => {
        transmit(this.socket, outgoing, done);
      },
      hasMore: () => !options.subscription.isReached,
      refill: () => this.moreFrames(),
      onIdle: () => options.onAllSent(),
    });
  }

  /** Asks for all that is wanted. Only once the socket is open. */
  subscribe(): void {
    this.subscribing = true;
    this.options.subscription.forgetSocket();
    this.sender.pump();
  }

  /** Asks for what is wanted and not there yet. */
  sendChanges(): void {
    if (this.subscribing) this.sender.pump();
  }

  ping(): void {
    this.sender.ping();
  }

  /** When all that the server has sent until now is read here. Only once the socket is open. */
  allRead(): Promise<unknown> {
    const { payload, reached } = this.marks.set();
    this.sender.ping(payload);
    return reached;
  }

  onPong(data: Buffer): void {
    this.marks.onPong(data);
  }

  pong(data: Buffer): void {
    this.sender.pong(data);
  }

  /** @returns how many frames were refused, because too many wait already */
  send(frames: readonly Frame[]): number {
    return this.subscribing ? this.sender.push(frames) : 0;
  }

  /** A ping that could not leave yet: silence until now proves nothing. */
  get pingWaits(): boolean {
    return this.sender.pingWaits;
  }

  /** @param onEnded called once, when the socket is closed */
  end(politely: boolean, onEnded: () => void): void {
    const goodbye = politely ? this.goodbye() : null;
    this.sender.close();
    this.marks.end();
    endSocket(this.socket, { goodbye, clock: this.options.clock, onEnded });
  }

  /** Unsubscribing is a courtesy: the end of the socket does it, too. Limits go before it. */
  private goodbye(): Frame[] {
    if (!this.subscribing) return [];
    this.options.subscription.want([]);
    const frames: Frame[] = [];
    for (let more = this.moreFrames(); more.length > 0; more = this.moreFrames()) {
      frames.push(...more);
    }
    return this.sender.hasRoomFor(frames.length) ? frames : [];
  }

  private moreFrames(): readonly Frame[] {
    const { subscription, limits } = this.options;
    const max = limits.symbolsPerFrame ?? Infinity;
    for (let step = subscription.next(max); step !== null; step = subscription.next(max)) {
      const frames = this.framesOf(step);
      // An adapter may have nothing to say, for example when there is no way to unsubscribe.
      if (frames === null || frames.length > 0) return frames ?? [];
    }
    return [];
  }

  /** An adapter is a person's code: what it throws is told, and ends nothing but this connection. */
  private framesOf({ type, symbols }: SubscriptionStep): Frame[] | null {
    try {
      return this.options.adapter[type](symbols);
    } catch (error) {
      const message = `The adapter's "${type}" failed: ${printable(messageOf(error))}. Correct it`;
      this.options.listener.onGone({ kind: 'unusable', message });
      return null;
    }
  }
}

function transmit(socket: WebSocket, outgoing: Outgoing, done: () => void): void {
  switch (outgoing.type) {
    case 'frame': {
      socket.send(outgoing.frame, done);
      return;
    }
    case 'ping': {
      socket.ping(outgoing.data, undefined, done);
      return;
    }
    case 'pong': {
      socket.pong(outgoing.data, undefined, done);
      return;
    }
  }
}
