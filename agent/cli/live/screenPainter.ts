import type { Sink } from '../cliIo.ts';

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_LINE = '\u001b[2K';
const CLEAR_BELOW = '\u001b[0J';

/** Draws lines over the ones drawn before. */
export class ScreenPainter {
  private drawn = 0;
  private columns = 0;

  constructor(private readonly sink: Sink) {}

  paint(lines: string[]): void {
    const resized = this.columns !== 0 && this.columns !== this.sink.columns;
    this.columns = this.sink.columns;
    // Lines wrap anew when the width changes: what was drawn can no longer be counted.
    const start = resized
      ? '\u001b[H\u001b[2J'
      : this.drawn > 0
        ? `\u001b[${this.drawn}A\r`
        : HIDE_CURSOR;
    const text = lines.map((line) => `${CLEAR_LINE}${line}\n`).join('');
    this.sink.write(`${start}${text}${CLEAR_BELOW}`);
    this.drawn = lines.length;
  }

  /** Leaves the last picture where it is. */
  end(): void {
    if (this.drawn > 0) this.sink.write(SHOW_CURSOR);
    this.drawn = 0;
  }
}
