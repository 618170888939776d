import type { CliIo } from './cliIo.ts';

/** npm hands on a Ctrl+C that the terminal sends as well: two so close together are one. */
const SAME_KEYSTROKE_MS = 300;

/** The first interrupt asks to end, the second one ends at once. */
export class Interrupts {
  private readonly controller = new AbortController();
  private readonly subscription: { dispose(): void };
  private firstAtMs: number | undefined;

  constructor(
    private readonly io: CliIo,
    private readonly endAtOnce: () => void,
  ) {
    this.subscription = io.onInterrupt(() => this.take());
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  dispose(): void {
    this.subscription.dispose();
  }

  private take(): void {
    const nowMs = this.io.clock.monotonic();
    if (this.firstAtMs === undefined) {
      this.firstAtMs = nowMs;
      this.controller.abort();
    } else if (nowMs - this.firstAtMs > SAME_KEYSTROKE_MS) {
      this.endAtOnce();
    }
  }
}
