import type { Clock, Timer } from '../../common/clock.ts';
import type { StreamLimits } from '../../config/schema.ts';
import { describeRates, nextTurnMs, ratesOf, trimPast, type Rate } from './rateWindow.ts';

/**
 * An attempt without an answer counts as made by then: one that hangs must not hold up the others for
 * as long as a patient connection waits. Not less, or a server that is slow is asked too often.
 */
const COUNTED_WITHIN_MS = 5_000;

/** The right to have one socket open to a host. */
export interface VenuePlace {
  /** The server has answered the attempt: from now on the time of it is known. */
  answered(): void;
  /** The socket is gone: its place may be given to another. Once more is harmless. */
  release(): void;
}

/** Lets connections to one host begin one after the other, as its rules want it. */
export interface VenueGate {
  /**
   * Resolves when a connect may begin now, in the order of asking; rejects when the signal aborts.
   * @param onWait called when it must wait, with the reason in words; again when the reason is another
   */
  turn(signal: AbortSignal, onWait?: (why: string) => void): Promise<VenuePlace>;
  /** Sockets that may still be opened beside those that are: Infinity without a limit. */
  freePlaces(): number;
}

/** The gates of an agent: one per host, shared by all its streams. */
export class Venues {
  private readonly gates = new Map<string, Gate>();

  constructor(private readonly clock: Clock) {}

  /** Streams with different limits for one host: all of them hold. */
  of(url: string, limits: StreamLimits): VenueGate {
    const host = hostOf(url);
    const gate = this.gates.get(host) ?? new Gate(this.clock);
    this.gates.set(host, gate);
    gate.tighten(limits);
    return gate;
  }
}

interface Waiter {
  readonly admit: (place: VenuePlace) => void;
  readonly tell: (why: string) => void;
  told: string;
}

type Obstacle = { why: string; untilMs: number };

class Gate implements VenueGate {
  private rates: Rate[] = [];
  private maxPlaces = Infinity;
  private open = 0;
  /** Attempts that the server has not answered yet: when it counts them is not known. */
  private underWay = 0;
  /** When attempts were answered, which is not before the server counted them. */
  private readonly past: number[] = [];
  /** In order of asking. A set: one that gives up leaves without a search. */
  private readonly waiters = new Set<Waiter>();
  private timer: Timer | undefined;

  constructor(private readonly clock: Clock) {}

  tighten({ connects, connections = Infinity }: StreamLimits): void {
    this.maxPlaces = Math.min(this.maxPlaces, connections);
    const isNew = (rate: Rate) =>
      !this.rates.some(({ count, perMs }) => count === rate.count && perMs === rate.perMs);
    this.rates = [...this.rates, ...ratesOf(connects).filter(isNew)];
  }

  freePlaces(): number {
    return Math.max(0, this.maxPlaces - this.open - this.waiters.size);
  }

  turn(signal: AbortSignal, onWait: (why: string) => void = noop): Promise<VenuePlace> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(gaveUp());
        return;
      }
      const giveUp = () => {
        this.waiters.delete(waiter);
        reject(gaveUp());
        this.pump();
      };
      const admit = (place: VenuePlace) => {
        signal.removeEventListener('abort', giveUp);
        resolve(place);
      };
      const waiter: Waiter = { admit, tell: onWait, told: '' };
      signal.addEventListener('abort', giveUp, { once: true });
      this.waiters.add(waiter);
      this.pump();
      if (this.waiters.has(waiter)) this.tell(waiter, this.obstacle()?.why ?? '');
    });
  }

  /** Lets in whoever may come in, and looks again when the next one may. */
  private pump(): void {
    this.timer?.cancel();
    this.timer = undefined;
    for (const waiter of this.waiters) {
      const obstacle = this.obstacle();
      if (obstacle !== null) {
        this.tell(waiter, obstacle.why);
        this.lookAgainAt(obstacle.untilMs);
        return;
      }
      this.waiters.delete(waiter);
      waiter.admit(this.place());
    }
  }

  private obstacle(): Obstacle | null {
    if (this.open >= this.maxPlaces) {
      const why = `Waits for a free place: the venue takes ${this.maxPlaces} connections at one time.`;
      return { why, untilMs: Infinity };
    }
    const nowMs = this.clock.monotonic();
    const untilMs = nextTurnMs(this.past, this.rates, nowMs, this.underWay);
    if (untilMs <= nowMs) return null;
    const why = `Waits for its turn: the venue takes ${describeRates(this.rates)} attempts to connect.`;
    return { why, untilMs };
  }

  private lookAgainAt(atMs: number): void {
    if (atMs === Infinity) return;
    const delayMs = Math.max(1, Math.ceil(atMs - this.clock.monotonic()));
    this.timer = this.clock.setTimeout(() => this.pump(), delayMs);
  }

  private tell(waiter: Waiter, why: string): void {
    if (waiter.told === why) return;
    waiter.told = why;
    waiter.tell(why);
  }

  private place(): VenuePlace {
    this.open += 1;
    this.underWay += 1;
    let isUnderWay = true;
    let isOpen = true;
    let timer: Timer | undefined;
    const answered = () => {
      if (!isUnderWay) return;
      isUnderWay = false;
      timer?.cancel();
      this.underWay -= 1;
      if (this.rates.length > 0) this.past.push(this.clock.monotonic());
      trimPast(this.past, this.rates);
      if (this.waiters.size > 0) this.pump();
    };
    if (this.rates.length > 0) timer = this.clock.setTimeout(answered, COUNTED_WITHIN_MS);
    return {
      answered,
      release: () => {
        if (!isOpen) return;
        isOpen = false;
        this.open -= 1;
        if (isUnderWay) answered();
        else if (this.waiters.size > 0) this.pump();
      },
    };
  }
}

function hostOf(url: string): string {
  try {
    return new URL(url).host;
  } catch {
    return url;
  }
}

const noop = () => undefined;

const gaveUp = () => new Error('It no longer waits for its turn.');
