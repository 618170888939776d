/** When rows came: what is left of a TTL is told as of then, and ticks from there. */
export class ReadTimes {
  private readonly msByRow = new WeakMap<object, number>();

  observe(row: object, nowMs: number): void {
    if (!this.msByRow.has(row)) this.msByRow.set(row, nowMs);
  }

  /** Milliseconds since the epoch by the agent's clock; undefined for a row that nobody noted. */
  of(row: object): number | undefined {
    return this.msByRow.get(row);
  }
}
