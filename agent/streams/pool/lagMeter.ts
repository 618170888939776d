import type { LagFigures } from '../../protocol/model.ts';

const SLOT_MS = 10_000;
/** The last minute: the slot that runs, and the five before it. */
const SLOTS = 6;
/** The time of a slot that holds nothing. */
const NEVER = -1;
/** Of the upper to the lower bound of a bucket: its middle is at most 2.5 % away from both. */
const BUCKET_RATIO = 1.05;
const LOG_RATIO = Math.log(BUCKET_RATIO);
/** More than a day is told as a day. */
const LONGEST_MS = 86_400_000;
/** Bucket 0 is what took less than 1 ms. */
const BUCKETS = bucketOf(LONGEST_MS) + 1;

/** From which size on an epoch time is in ms, µs, ns: as seconds or ms it would be far from now. */
const LEAST_EPOCH_MS = 1e11;
const LEAST_EPOCH_MICROS = 1e14;
const LEAST_EPOCH_NANOS = 1e17;

const NUMBER = /^\d+(?:\.\d+)?$/;
/** A date and a zone; without a zone a time could mean any of 24 hours. */
const DATE = /^\d{4}-\d\d-\d\d[T ]/;
const ZONE = /(?:[zZ]|[+-]\d\d:?\d\d)$/;

/**
 * How long ticks are on their way, from the time in them to their arrival, over the last minute. Counts
 * in buckets, so that it costs the same for any number of ticks; off by at most 2.5 %.
 */
export class LagMeter {
  private readonly counts = new Uint32Array(SLOTS * BUCKETS);
  /** Of all slots: figures of many connections are asked for far more often than a slot ends. */
  private readonly sums = new Float64Array(BUCKETS);
  private total = 0;
  /** Which ten seconds, counted from 1970, each slot holds. */
  private readonly slotTimes = new Float64Array(SLOTS).fill(NEVER);

  /**
   * @param ts time in a tick: epoch seconds, ms, µs or ns, or an ISO text with its zone; anything else
   *   is left out. One that is ahead of our clock counts as no lag
   * @param nowMs epoch ms at which the tick came
   */
  add(ts: number | string | undefined, nowMs: number): void {
    const sentMs = ts === undefined ? undefined : epochMsOf(ts);
    if (sentMs === undefined) return;
    const slotTime = Math.floor(nowMs / SLOT_MS);
    const slot = slotTime % SLOTS;
    if (this.slotTimes[slot] !== slotTime) {
      this.empty(slot);
      this.slotTimes[slot] = slotTime;
    }
    const bucket = bucketOf(Math.min(nowMs - sentMs, LONGEST_MS));
    const index = slot * BUCKETS + bucket;
    this.counts[index] = (this.counts[index] ?? 0) + 1;
    this.sums[bucket] = (this.sums[bucket] ?? 0) + 1;
    this.total += 1;
  }

  /** @returns null when no tick of the last minute carried a time */
  figures(nowMs: number): LagFigures | null {
    const slotTime = Math.floor(nowMs / SLOT_MS);
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const time = this.slotTimes[slot] ?? NEVER;
      // Also left out: what is ahead, after the wall clock was set back.
      if (time > slotTime || time <= slotTime - SLOTS) this.empty(slot);
    }
    const { sums, total } = this;
    if (total === 0) return null;
    return { p50: quantile(sums, total, 0.5), p99: quantile(sums, total, 0.99) };
  }

  private empty(slot: number): void {
    if (this.slotTimes[slot] === NEVER) return;
    this.slotTimes[slot] = NEVER;
    const first = slot * BUCKETS;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      const count = this.counts[first + bucket] ?? 0;
      this.sums[bucket] = (this.sums[bucket] ?? 0) - count;
      this.total -= count;
    }
    this.counts.fill(0, first, first + BUCKETS);
  }
}

/** The nearest rank: the least lag that so many of them do not exceed. */
function quantile(sums: Float64Array, total: number, share: number): number {
  let left = Math.ceil(total * share);
  for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
    left -= sums[bucket] ?? 0;
    if (left <= 0) return lagOf(bucket);
  }
  return LONGEST_MS;
}

function bucketOf(lagMs: number): number {
  return lagMs < 1 ? 0 : Math.floor(Math.log(lagMs) / LOG_RATIO) + 1;
}

/** The middle of a bucket, in ms with two digits after the point. */
function lagOf(bucket: number): number {
  if (bucket === 0) return 0;
  const lagMs = Math.min(BUCKET_RATIO ** (bucket - 0.5), LONGEST_MS);
  return Math.round(lagMs * 100) / 100;
}

function epochMsOf(ts: number | string): number | undefined {
  if (typeof ts === 'number') return scaled(ts);
  if (NUMBER.test(ts)) return scaled(Number(ts));
  const ms = DATE.test(ts) && (ts.endsWith('Z') || ZONE.test(ts)) ? Date.parse(ts) : NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

function scaled(ts: number): number | undefined {
  if (!(ts > 0)) return undefined;
  if (ts >= LEAST_EPOCH_NANOS) return ts / 1e6;
  if (ts >= LEAST_EPOCH_MICROS) return ts / 1e3;
  return ts >= LEAST_EPOCH_MS ? ts : ts * 1e3;
}
