/**
 * Finds lost ticks by their numbers, per symbol. Nothing is dropped here: a tick that comes twice is
 * counted and handed on, because a handler that stores by key loses nothing by it, and a feed that
 * starts counting anew must not be mistaken for a repetition.
 */
export class SequenceTracker {
  /** Ticks that never came. */
  gaps = 0;
  /** Ticks with the number of the tick before. */
  duplicates = 0;
  /** Times a symbol's numbers went back: the feed was restarted, or repeats itself. */
  resets = 0;
  private readonly last = new Map<string, number>();

  /** @returns how many ticks are missing right before this one */
  observe(symbol: string, seq: number | undefined): number {
    if (seq === undefined) return 0;
    const before = this.last.get(symbol);
    this.last.set(symbol, seq);
    if (before === undefined || seq === before + 1) return 0;
    if (seq === before) {
      this.duplicates += 1;
      return 0;
    }
    if (seq < before) {
      this.resets += 1;
      return 0;
    }
    const missing = seq - before - 1;
    this.gaps += missing;
    return missing;
  }
}
