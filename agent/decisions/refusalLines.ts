const LINES_PER_SECOND = 10;
const MOST_KINDS = 1_000;

interface Kind {
  second: number;
  lines: number;
  leftOut: number;
}

/**
 * Says which refusals get a line in the log. The record has all of them; thousands of lines a second
 * that say the same would cost more than the refusals, and push everything else out of the log.
 */
export class RefusalLines {
  private readonly kinds = new Map<string, Kind>();

  /**
   * @param kind what is the same in lines that say the same
   * @returns how many of this kind were left out since the last line; undefined: this one is, too
   */
  take(kind: string, atMs: number): number | undefined {
    const second = Math.floor(atMs / 1_000);
    const known = this.kinds.get(kind);
    if (known?.second === second && known.lines >= LINES_PER_SECOND) {
      known.leftOut += 1;
      return undefined;
    }
    if (known?.second === second) {
      known.lines += 1;
      return 0;
    }
    if (this.kinds.size >= MOST_KINDS) this.kinds.clear();
    this.kinds.set(kind, { second, lines: 1, leftOut: 0 });
    return known?.leftOut ?? 0;
  }
}
