import type { Clock, Timer } from '../../common/clock.ts';
import type { StreamLimits } from '../../config/schema.ts';
import {
  COUNTED_WITHIN_MS,
  describeRates,
  nextTurnMs,
  ratesOf,
  trimPast,
  type Rate,
} from './rateWindow.ts';
import type { VenuePlace, VenueShare } from './venueShare.ts';

/** What a connection waits for before it may begin. */
export interface TurnWait {
  /** In words. */
  why: string;
  /** As many connections as may be are open: only the end of one of them helps. */
  forPlace: boolean;
}

/** Lets connections to one host begin one after the other, as its rules want it. */
export interface VenueGate {
  /**
   * Resolves when a connect may begin now, in the order of asking; rejects when the signal aborts.
   * @param onWait called when it must wait; again when the reason is another
   */
  turn(signal: AbortSignal, onWait?: (wait: TurnWait) => void): Promise<VenuePlace>;
  /** An agent is proven dead, and its connections are gone. */
  forget(agentId: string): void;
}

/** Whom a venue counts as one: all agents of this Redis, or those of one machine. */
export type SharedBy = NonNullable<StreamLimits['sharedBy']>;

/** The gates of an agent: one per host, shared by all its streams. */
export class Venues {
  private readonly gates = new Map<string, Gate>();

  /** @param shareOf what the other agents do at a host; left out: this agent is alone */
  constructor(
    private readonly clock: Clock,
    private readonly shareOf?: (host: string, sharedBy: SharedBy) => VenueShare,
  ) {}

  /** Streams with different limits for one host: all of them hold. */
  of(url: string, limits: StreamLimits): VenueGate {
    const host = hostOf(url);
    const gate =
      this.gates.get(host) ?? new Gate(this.clock, (sharedBy) => this.shareOf?.(host, sharedBy));
    this.gates.set(host, gate);
    gate.tighten(limits);
    return gate;
  }
}

interface Waiter {
  readonly admit: (place: VenuePlace) => void;
  readonly tell: (wait: TurnWait) => void;
  told: string;
}

type Obstacle = TurnWait & { untilMs: number };

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
  private sharedBy: SharedBy | undefined;
  /** undefined: nothing is counted, or nobody else is there. */
  private share: VenueShare | undefined;
  /** What the others' connections leave no room for. */
  private refused: Obstacle | undefined;
  private asking = false;

  constructor(
    private readonly clock: Clock,
    private readonly shareWith: (sharedBy: SharedBy) => VenueShare | undefined,
  ) {}

  tighten({ connects, connections = Infinity, sharedBy = 'all' }: StreamLimits): void {
    this.maxPlaces = Math.min(this.maxPlaces, connections);
    const isNew = (rate: Rate) =>
      !this.rates.some(({ count, perMs }) => count === rate.count && perMs === rate.perMs);
    this.rates = [...this.rates, ...ratesOf(connects).filter(isNew)];
    if (this.rates.length === 0 && this.maxPlaces === Infinity) return;
    if (this.sharedBy === sharedBy || this.sharedBy === 'all') return;
    this.sharedBy = sharedBy;
    this.share = this.shareWith(sharedBy);
  }

  forget(agentId: string): void {
    this.share?.forget(agentId);
  }

  turn(signal: AbortSignal, onWait: (wait: TurnWait) => void = noop): Promise<VenuePlace> {
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
      const obstacle = this.obstacle();
      if (this.waiters.has(waiter) && obstacle !== null) this.tell(waiter, obstacle);
    });
  }

  /** Lets in whoever may come in, and looks again when the next one may. */
  private pump(): void {
    this.timer?.cancel();
    this.timer = undefined;
    for (const waiter of this.waiters) {
      const obstacle = this.obstacle();
      if (obstacle !== null) {
        this.tell(waiter, obstacle);
        this.lookAgainAt(obstacle.untilMs);
        return;
      }
      if (this.share !== undefined) {
        void this.askOthers(this.share);
        return;
      }
      this.admit(waiter, this.place());
    }
  }

  /** One at a time: the order of asking is kept. */
  private async askOthers(share: VenueShare): Promise<void> {
    if (this.asking) return;
    this.asking = true;
    const turn = await share.take({ rates: this.rates, maxPlaces: this.maxPlaces });
    this.asking = false;
    if (turn.granted) {
      const place = this.place(turn.place);
      const [first] = this.waiters;
      // Who asked for it has given up meanwhile.
      if (first === undefined) place.release();
      else this.admit(first, place);
    } else {
      const untilMs = this.clock.monotonic() + turn.askAgainInMs;
      this.refused = { ...this.waitFor(turn.lacks, FROM_ALL), untilMs };
    }
    this.pump();
  }

  private admit(waiter: Waiter, place: VenuePlace): void {
    this.waiters.delete(waiter);
    waiter.admit(place);
  }

  private obstacle(): Obstacle | null {
    if (this.open >= this.maxPlaces) return { ...this.waitFor('place'), untilMs: Infinity };
    const nowMs = this.clock.monotonic();
    const untilMs = nextTurnMs(this.past, this.rates, nowMs, this.underWay);
    if (untilMs > nowMs) return { ...this.waitFor('rate'), untilMs };
    return this.refused !== undefined && this.refused.untilMs > nowMs ? this.refused : null;
  }

  private waitFor(lacks: 'place' | 'rate', from = ''): TurnWait {
    if (lacks === 'place') {
      const why = `Waits for a free place: the venue takes ${this.maxPlaces} connections at one time${from}.`;
      return { why, forPlace: true };
    }
    const why = `Waits for its turn: the venue takes ${describeRates(this.rates)} attempts to connect${from}.`;
    return { why, forPlace: false };
  }

  private lookAgainAt(atMs: number): void {
    this.timer?.cancel();
    if (atMs === Infinity) return;
    const delayMs = Math.max(1, Math.ceil(atMs - this.clock.monotonic()));
    this.timer = this.clock.setTimeout(() => this.pump(), delayMs);
  }

  private tell(waiter: Waiter, { why, forPlace }: TurnWait): void {
    if (waiter.told === why) return;
    waiter.told = why;
    waiter.tell({ why, forPlace });
  }

  /** Somebody goes, or is counted: what others left no room for may be free now. */
  private lookNow(): void {
    this.refused = undefined;
    if (this.waiters.size > 0) this.pump();
  }

  /** @param shared the same place, as the other agents know it */
  private place(shared?: VenuePlace): VenuePlace {
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
      shared?.answered();
      this.lookNow();
    };
    if (this.rates.length > 0) timer = this.clock.setTimeout(answered, COUNTED_WITHIN_MS);
    return {
      answered,
      release: () => {
        if (!isOpen) return;
        isOpen = false;
        this.open -= 1;
        shared?.release();
        if (isUnderWay) answered();
        else this.lookNow();
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

/** Where it is not this agent's own connections that leave no room. */
const FROM_ALL = ', those of all agents counted';

const noop = () => undefined;

const gaveUp = () => new Error('It no longer waits for its turn.');
