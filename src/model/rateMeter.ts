/** Long enough to be calm, short enough to see a stream slow down. */
const WINDOW_MS = 10_000;

interface Sample {
  atMs: number;
  count: number;
}

/** How fast counters grow, from their values as they come. */
export class RateMeter {
  private readonly samplesByKey = new Map<string, Sample[]>();

  /** A counter that went backwards has begun anew: what was before says nothing. */
  observe(key: string, count: number, atMs: number): void {
    const known = this.samplesByKey.get(key) ?? [];
    const last = known.at(-1);
    const samples = last !== undefined && count < last.count ? [] : known;
    samples.push({ atMs, count });
    while ((samples[1]?.atMs ?? atMs) <= atMs - WINDOW_MS) samples.shift();
    this.samplesByKey.set(key, samples);
  }

  /** Per second over the last ten seconds; undefined while there is too little to tell. */
  perSecond(key: string, nowMs: number): number | undefined {
    const samples = this.samplesByKey.get(key);
    const first = samples?.[0];
    const last = samples?.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const spanMs = Math.min(nowMs - first.atMs, Math.max(WINDOW_MS, last.atMs - first.atMs));
    if (spanMs < 1_000) return undefined;
    if (nowMs - last.atMs > WINDOW_MS) return 0;
    return ((last.count - first.count) * 1_000) / spanMs;
  }

  forget(key: string): void {
    this.samplesByKey.delete(key);
  }
}
