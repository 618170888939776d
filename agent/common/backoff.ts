import type { Random } from './random.ts';

export interface BackoffPolicy {
  baseMs: number;
  maxMs: number;
}

/** 250 ms to 30 s: fast enough for a blip, slow enough for a server that is down. */
export const RECONNECT_BACKOFF: BackoffPolicy = { baseMs: 250, maxMs: 30_000 };

/**
 * Full-jitter exponential backoff: uniform in [0, min(max, base * 2^attempt)).
 * Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
 * @param attempt failures so far, 0 for the first retry
 * @returns milliseconds to wait
 */
export function fullJitterDelayMs(policy: BackoffPolicy, attempt: number, random: Random): number {
  const ceilingMs = Math.min(policy.maxMs, policy.baseMs * 2 ** Math.min(attempt, 30));
  return Math.floor(random() * ceilingMs);
}
