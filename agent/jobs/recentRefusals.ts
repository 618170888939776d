import type { Clock } from '../common/clock.ts';

const MOST_KEYS = 1_000;
/** Long enough for those who ask again and again, short enough to be right most of the time. */
const RECENT_MS = 1_000;

/**
 * Keys that were refused a moment ago, and most likely are taken still: asking first whether they are
 * costs less than to send a job that is not wanted. What is remembered decides nothing.
 */
export class RecentRefusals<Kept> {
  private readonly keys = new Map<string, { kept: Kept; untilMs: number }>();

  constructor(private readonly clock: Clock) {}

  /** @returns what was kept with the refusal; undefined when there was none of late */
  find(key: string): Kept | undefined {
    const found = this.keys.get(key);
    return found !== undefined && this.clock.monotonic() < found.untilMs ? found.kept : undefined;
  }

  add(key: string, kept: Kept): void {
    if (this.keys.size >= MOST_KEYS && !this.keys.has(key)) this.keys.clear();
    this.keys.set(key, { kept, untilMs: this.clock.monotonic() + RECENT_MS });
  }

  delete(key: string): void {
    this.keys.delete(key);
  }
}
