import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Frame, ParsedFrame, StreamAdapter } from '../adapters/adapter.ts';
import type { Tick } from '../adapters/tick.ts';
import { CountedWarning } from '../pipeline/countedWarning.ts';
import { ConnectionNote } from './connectionNote.ts';
import { printable } from './printable.ts';

export interface FrameReaderOptions {
  adapter: StreamAdapter;
  clock: Clock;
  /** @param json of the only tick, where it came as such: to be copied at once */
  onTicks(ticks: Tick[], json: Buffer | undefined): void;
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
  lastMessageAtMs: number | null = null;
  private readonly note: ConnectionNote;
  private readonly badFrames: CountedWarning;

  constructor(private readonly options: FrameReaderOptions) {
    this.note = new ConnectionNote(options.clock);
    this.badFrames = new CountedWarning(options.clock, (count, reason) =>
      options.onBadFrames(count, reason),
    );
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
    this.lastMessageAtMs = nowMs;
    let parsed: Tick[] | ParsedFrame;
    try {
      parsed = this.options.adapter.parse(isBinary ? data : data.toString());
    } catch (error) {
      this.onBadFrame(error);
      return;
    }
    if (Array.isArray(parsed)) {
      this.handOn(parsed, undefined);
      return;
    }
    this.onTalk(parsed);
    this.handOn(parsed.ticks, parsed.asItCame === true ? data : undefined);
  }

  private handOn(ticks: Tick[], json: Buffer | undefined): void {
    if (ticks.length === 0) return;
    this.ticks += ticks.length;
    this.options.onTicks(ticks, json);
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
