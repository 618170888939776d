import type { Clock, Timer } from '../../common/clock.ts';
import type { Frame } from '../adapters/adapter.ts';
import { nextTurnMs, trimPast, type Rate } from './rateWindow.ts';

/** What is put on the wire. Pings and pongs take a turn, too: venues count them as messages. */
export type Outgoing =
  | { type: 'frame'; frame: Frame }
  | { type: 'ping'; data: Uint8Array }
  | { type: 'pong'; data: Uint8Array };

export interface PacedSenderOptions {
  clock: Clock;
  rates: readonly Rate[];
  /** Puts it on the wire; calls `done` when it has left this process. */
  transmit(outgoing: Outgoing, done: () => void): void;
  /** Whether there is more to say than was pushed. */
  hasMore(): boolean;
  /** The next frames of that. Asked for only when one may leave: what changes before costs nothing. */
  refill(): readonly Frame[];
  /** Everything has been put on the wire. */
  onIdle(): void;
}

/** More than that is refused: a server that takes nothing must not fill the memory. */
const MAX_WAITING_FRAMES = 10_000;

/** Sends over one socket as fast as the venue allows, in order; pongs and pings go before frames. */
export class PacedSender {
  private readonly past: number[] = [];
  private frames: Frame[] = [];
  /** Where in `frames` the next one is: taking from the front of a long array is slow. */
  private head = 0;
  private wantsPing: Uint8Array | null = null;
  /** Of several pings only the last is answered, as the protocol allows. */
  private wantsPong: Uint8Array | null = null;
  private pongUnderWay = false;
  private timer: Timer | undefined;
  private closed = false;
  private pumping = false;
  private pumpAgain = false;

  constructor(private readonly options: PacedSenderOptions) {}

  /** A ping that waits for its turn: silence until now proves nothing. */
  get pingWaits(): boolean {
    return this.wantsPing !== null;
  }

  /** @param data what its pong brings back. Of pings that wait only one leaves, with the last of these. */
  ping(data: Uint8Array = NOTHING): void {
    if (data.length > 0 || this.wantsPing === null) this.wantsPing = data;
    this.pump();
  }

  pong(data: Uint8Array): void {
    this.wantsPong = data;
    this.pump();
  }

  /** @returns how many frames were refused, because too many wait already */
  push(frames: readonly Frame[]): number {
    const room = Math.max(0, MAX_WAITING_FRAMES - (this.frames.length - this.head));
    for (const frame of frames.slice(0, room)) this.frames.push(frame);
    this.pump();
    return Math.max(0, frames.length - room);
  }

  /** Sends what may leave now; what may not is sent later by itself. */
  pump(): void {
    if (this.closed) return;
    // What is put on the wire may lead back here.
    this.pumpAgain = true;
    if (this.pumping) return;
    this.pumping = true;
    try {
      while (this.takeWish()) this.sendWhatMayLeave();
    } finally {
      this.pumping = false;
    }
  }

  /** Whether that many more could leave at this moment. */
  hasRoomFor(count: number): boolean {
    if (this.head < this.frames.length) return false;
    const nowMs = this.options.clock.monotonic();
    // They all leave now: each counts as under way for the next.
    return nextTurnMs(this.past, this.options.rates, nowMs, Math.max(0, count - 1)) <= nowMs;
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
    this.frames = [];
  }

  private sendWhatMayLeave(): void {
    const { clock, rates } = this.options;
    this.timer?.cancel();
    while (this.hasNext()) {
      const nowMs = clock.monotonic();
      const atMs = nextTurnMs(this.past, rates, nowMs);
      if (atMs > nowMs) {
        this.timer = clock.setTimeout(() => this.pump(), Math.max(1, Math.ceil(atMs - nowMs)));
        return;
      }
      const outgoing = this.takeNext();
      if (outgoing !== undefined) this.leave(outgoing, nowMs);
      if (this.isClosed()) return;
    }
    if (!this.isClosed()) this.options.onIdle();
  }

  private leave(outgoing: Outgoing, nowMs: number): void {
    const { rates } = this.options;
    if (rates.length > 0) this.past.push(nowMs);
    trimPast(this.past, rates);
    this.options.transmit(outgoing, outgoing.type === 'pong' ? () => this.onPongSent() : noop);
  }

  private takeWish(): boolean {
    const wish = this.pumpAgain && !this.closed;
    this.pumpAgain = false;
    return wish;
  }

  private hasNext(): boolean {
    if (this.mayPong() || this.wantsPing !== null || this.head < this.frames.length) return true;
    return this.options.hasMore();
  }

  private takeNext(): Outgoing | undefined {
    if (this.wantsPong !== null && this.mayPong()) {
      const data = this.wantsPong;
      this.wantsPong = null;
      this.pongUnderWay = true;
      return { type: 'pong', data };
    }
    if (this.wantsPing !== null) {
      const data = this.wantsPing;
      this.wantsPing = null;
      return { type: 'ping', data };
    }
    if (this.head >= this.frames.length) {
      this.frames = [...this.options.refill()];
      this.head = 0;
    }
    const frame = this.frames[this.head];
    if (frame === undefined) return undefined;
    this.head += 1;
    if (this.head > MAX_WAITING_FRAMES) {
      this.frames.splice(0, this.head);
      this.head = 0;
    }
    return { type: 'frame', frame };
  }

  /** One at a time: a server that pings without reading gets no heap of answers. */
  private mayPong(): boolean {
    return this.wantsPong !== null && !this.pongUnderWay;
  }

  private onPongSent(): void {
    this.pongUnderWay = false;
    if (this.wantsPong !== null) this.pump();
  }

  /** Sending may have closed it; the compiler would remember the answer before. */
  private isClosed(): boolean {
    return this.closed;
  }
}

const NOTHING = new Uint8Array();

const noop = () => undefined;
