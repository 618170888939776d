import type { Timer } from '../../common/clock.ts';
import type { StateSnapshot } from '../../protocol/model.ts';
import type { CliSession } from '../session.ts';
import { renderLine, renderScreen } from './liveScreen.ts';
import { ScreenPainter } from './screenPainter.ts';

/** Four pictures a second look alive and cost nothing. */
const FRAME_INTERVAL_MS = 250;
const LINE_INTERVAL_MS = 2_000;

/** Shows the state while `up` goes on: a screen on a terminal, else a line now and then. */
export class UpDisplay {
  private readonly painter: ScreenPainter;
  private readonly sinceMs: number;
  private timer: Timer | undefined;

  constructor(
    private readonly session: CliSession,
    private readonly state: () => StateSnapshot,
    private readonly hint: string,
  ) {
    this.painter = new ScreenPainter(session.io.stdout);
    this.sinceMs = session.io.clock.monotonic();
    this.show();
  }

  end(): void {
    this.timer?.cancel();
    this.painter.end();
  }

  private show(): void {
    const { io, json, style } = this.session;
    const view = {
      state: this.state(),
      nowMs: io.clock.now(),
      elapsedMs: io.clock.monotonic() - this.sinceMs,
      hint: this.hint,
    };
    // With --json the answer has stdout for itself.
    const redraws = io.stdout.isTerminal && !json;
    if (redraws) this.painter.paint(renderScreen(view, io.stdout, style));
    else if (json) io.stderr.write(`${renderLine(view)}\n`);
    else io.stdout.write(`${renderLine(view)}\n`);
    const pauseMs = redraws ? FRAME_INTERVAL_MS : LINE_INTERVAL_MS;
    this.timer = io.clock.setTimeout(() => this.show(), pauseMs);
  }
}
