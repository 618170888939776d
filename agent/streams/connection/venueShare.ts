import type { Rate } from './rateWindow.ts';

/** What holds for all agents together that a venue can not tell apart. */
export interface SharedRules {
  readonly rates: readonly Rate[];
  /** Connections at one time; Infinity: any number. */
  readonly maxPlaces: number;
}

/** The right to have one socket open to a host. */
export interface VenuePlace {
  /** The server has answered the attempt: from now on the time of it is known. */
  answered(): void;
  /** The socket is gone: its place may be given to another. Once more is harmless. */
  release(): void;
}

export type SharedTurn =
  | { granted: true; place: VenuePlace }
  /** `place`: as many connections as may be are open. `rate`: as many attempts as may be were made. */
  | { granted: false; lacks: 'place' | 'rate'; askAgainInMs: number };

/** What the agents that a venue counts as one know of each other's connections. */
export interface VenueShare {
  /** Takes a turn to connect, if all of them together have one left. Never rejects. */
  take(rules: SharedRules): Promise<SharedTurn>;
  /** An agent is proven dead: its places are free. Never rejects. */
  forget(agentId: string): void;
}
