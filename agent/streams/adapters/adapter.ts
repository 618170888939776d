import type { StreamLimits } from '../../config/schema.ts';
import type { Tick } from './tick.ts';

/** What is sent and received: text frames as text, binary frames as bytes. */
export type Frame = string | Uint8Array;

/** Ticks that never came, as their numbers tell. */
export interface Gap {
  symbol: string;
  /** The last number before the hole, and the first one after it. */
  after: number;
  before: number;
  missing: number;
}

/** What a frame said, when it is more than ticks. */
export interface ParsedFrame {
  ticks: Tick[];
  /** To be sent back, within the limits of the venue. */
  send?: Frame[] | undefined;
  /** The server will close this connection soon: replace it now. Why, in words. */
  rotate?: string | undefined;
  /** The server refused what was asked for: told as trouble, the connection lives on. In words. */
  refused?: string | undefined;
}

/** Speaks the language of one feed. */
export interface StreamAdapter {
  /** Frames that subscribe to these symbols. Called again for symbols that are added later. */
  subscribe(symbols: readonly string[]): Frame[];
  /** Frames that end it: for symbols that are removed, and before a polite close. */
  unsubscribe(symbols: readonly string[]): Frame[];
  /**
   * @returns the ticks of a frame; none for a frame that is only talk
   * @throws when the frame is not understood; it is counted, and the connection lives on
   */
  parse(frame: Frame): Tick[] | ParsedFrame;
  /** What two names of one symbol have in common. Left out: `normaliseSymbol`. */
  normalise?(symbol: string): string;
  /** Called for each gap: ticks that were fetched, or frames to send. What it throws is told. */
  resync?(gap: Gap): ParsedFrame | Promise<ParsedFrame>;
  /** A text frame of one tick is the JSON of that tick: such a frame is passed on as it came. */
  readonly sendsTicksAsJson?: boolean;
  /** Rules of the venue; `limits` of the config goes before it. */
  readonly limits?: StreamLimits;
}
