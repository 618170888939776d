import type { Tick } from '../adapters/tick.ts';

/** Ticks whose running numbers follow each other: `firstSeq` and so on. */
export interface TickRun {
  firstSeq: number;
  lastSeq: number;
  /** How many ticks there are; fewer than numbers where some replaced others. */
  count: number;
  /** The ticks as JSON, with commas between them. */
  json: string;
  /** The feed's own last number of each symbol that has numbers. */
  lastSeqs: ReadonlyMap<string, number>;
}

/** What waits to be sent, and how it is stored meanwhile. */
export interface TickSource {
  /** Ticks that wait: not those that were taken. */
  readonly count: number;
  /** Of these: on disk. */
  readonly spilled: number;
  /** Ticks that were replaced by a newer one of their symbol. */
  readonly conflated: number;
  /** So many ticks make a full batch. */
  readonly fullAt: number;
  add(ticks: readonly Tick[]): void;
  /**
   * One tick as it came. Left out: it has to know what is in a tick.
   * @param feedSeq the feed's own number of it; NaN: it has none
   * @param json is copied
   */
  addJson?(symbol: string, feedSeq: number, json: Buffer): void;
  /** @returns the oldest, one batch at most; undefined when nothing waits */
  take(): TickRun | undefined;
  /** So many of those that were taken have been sent, or given up. */
  settle(count: number): void;
  /** Forgets everything and removes what it has on disk. */
  end(): void;
}
