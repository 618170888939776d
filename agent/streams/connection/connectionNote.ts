import type { Clock } from '../../common/clock.ts';

/** What does not end a connection is shown for that long after it happened last. */
const SHOWN_MS = 60_000;

/** The last thing that went wrong on a connection that lives on: a frame that is not understood. */
export class ConnectionNote {
  private last: { text: string; untilMs: number } | null = null;

  constructor(private readonly clock: Clock) {}

  /** @returns whether nothing was shown before */
  set(text: string): boolean {
    const isNew = this.text() === null;
    this.last = { text, untilMs: this.clock.monotonic() + SHOWN_MS };
    return isNew;
  }

  clear(): void {
    this.last = null;
  }

  text(): string | null {
    if (this.last === null || this.clock.monotonic() >= this.last.untilMs) return null;
    return this.last.text;
  }
}
