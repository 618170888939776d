import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Frame, ParsedFrame, StreamAdapter } from '../adapters/adapter.ts';
import type { Tick } from '../adapters/tick.ts';
import { TickScanner, type ScannedTick } from '../adapters/tickScanner.ts';
import { CountedWarning } from '../pipeline/countedWarning.ts';
import { ConnectionNote } from './connectionNote.ts';
import { printable } from './printable.ts';

export interface FrameReaderOptions {
  adapter: StreamAdapter;
  clock: Clock;
  onTicks(ticks: Tick[]): void;
  /**
   * A frame that is one tick as JSON, read without making an object of it.
   * @param tick valid until it returns
   * @param json to be copied at once
   * @returns false to get it as a tick
   */
  onScanned?: ((tick: ScannedTick, json: Buffer) => boolean) | undefined;
  /** The adapter wants this to be sent back. */
  onSend(frames: readonly Frame[]): void;
  /** The server will close the connection soon; why, in words. */
  onRotate(reason: string): void;
  /** Told at most every 10 s, with how many there were since. */
  onBadFrames(count: number, reason: string): void;
  /** There is something to tell now, where there was nothing. */
  onNote(): void;
}

/** Makes ticks of frames and counts them. What is wrong with a frame ends no connection. */
export class FrameReader {
  messages = 0;
  ticks = 0;
  /** Frames that are not understood, and refusals of the server. */
  errors = 0;
  /** NaN = none. Not null: a field that holds both makes each new time an object of its own. */
  private lastAtMs = NaN;
  private readonly scanner: TickScanner | undefined;
  private readonly note: ConnectionNote;
  private readonly badFrames: CountedWarning;

  constructor(private readonly options: FrameReaderOptions) {
    this.note = new ConnectionNote(options.clock);
    this.scanner = options.adapter.sendsTicksAsJson === true ? new TickScanner() : undefined;
    this.badFrames = new CountedWarning(options.clock, (count, reason) =>
      options.onBadFrames(count, reason),
    );
  }

  get lastMessageAtMs(): number | null {
    return Number.isNaN(this.lastAtMs) ? null : this.lastAtMs;
  }

  /** What went wrong lately, in words. */
  get trouble(): string | null {
    return this.note.text();
  }

  /** A new connection: what went wrong on the last one is no longer of interest. */
  forgetTrouble(): void {
    this.note.clear();
  }

  /**
   * The hot path: 100,000 times a second, so nothing here that is not needed.
   * @param nowMs milliseconds since the epoch
   */
  read(data: Buffer, isBinary: boolean, nowMs: number): void {
    this.messages += 1;
    this.lastAtMs = nowMs;
    if (!isBinary && this.passOn(data)) return;
    let parsed: Tick[] | ParsedFrame;
    try {
      parsed = this.options.adapter.parse(isBinary ? data : data.toString());
    } catch (error) {
      this.onBadFrame(error);
      return;
    }
    if (Array.isArray(parsed)) {
      this.handOn(parsed);
      return;
    }
    this.onTalk(parsed);
    this.handOn(parsed.ticks);
  }

  /** @returns false when the frame has to be parsed */
  private passOn(data: Buffer): boolean {
    const { scanner, options } = this;
    if (scanner?.scan(data) !== true || options.onScanned?.(scanner, data) !== true) return false;
    this.ticks += 1;
    return true;
  }

  private handOn(ticks: Tick[]): void {
    if (ticks.length === 0) return;
    this.ticks += ticks.length;
    this.options.onTicks(ticks);
  }

  /** Something went wrong, and the connection lives on. */
  tell(trouble: string): void {
    this.errors += 1;
    // Not for each of a flood: what counts up is told with the figures.
    if (this.note.set(trouble)) this.options.onNote();
  }

  private onTalk({ send, rotate, refused }: ParsedFrame): void {
    if (send !== undefined) this.options.onSend(send);
    if (rotate !== undefined) this.options.onRotate(printable(rotate));
    if (refused !== undefined) this.tell(`The server refused: ${printable(refused)}`);
  }

  private onBadFrame(error: unknown): void {
    const why = printable(messageOf(error));
    this.badFrames.add(1, why);
    this.tell(`Last frame not understood: ${why}`);
  }
}
