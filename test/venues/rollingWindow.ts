/** So many in any stretch of that length. */
export interface Rate {
  count: number;
  perMs: number;
}

/** Counts what came within the last `perMs`, to the millisecond: no buckets, no refill. */
export class RollingWindow {
  private readonly times: number[] = [];

  constructor(private readonly rate: Rate) {}

  /** @returns false when this one is more than the rate allows; it counts all the same */
  add(nowMs: number): boolean {
    while ((this.times[0] ?? nowMs) <= nowMs - this.rate.perMs) this.times.shift();
    this.times.push(nowMs);
    return this.times.length <= this.rate.count;
  }
}
