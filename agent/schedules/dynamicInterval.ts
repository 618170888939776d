/** A job takes about a tenth of the time: it runs as often as it can without being all that runs. */
export const INTERVAL_PER_RUN_TIME = 10;
/** How much the newest run counts: about the last five decide. */
const NEWEST_WEIGHT = 0.3;
/** It stays as it is while it would change by less: run times always differ a little. */
const LEAST_CHANGE = 0.2;
const ROUND_TO_MS = 100;

export interface IntervalBounds {
  min: number;
  max: number;
}

/**
 * The mean of run times, the newer ones weighing more.
 * @param runsMs durations in ms, oldest first
 * @returns ms; undefined when there is none
 */
export function meanRunMs(runsMs: readonly number[]): number | undefined {
  let mean: number | undefined;
  for (const runMs of runsMs) {
    mean = mean === undefined ? runMs : mean + NEWEST_WEIGHT * (runMs - mean);
  }
  return mean;
}

/**
 * The interval that follows how long runs take: ten times their mean, within its bounds. Pure.
 * @param currentMs the interval of now
 * @param runsMs durations of the last runs in ms, oldest first; none: it stays as it is
 */
export function dynamicInterval(
  currentMs: number,
  runsMs: readonly number[],
  { min, max }: IntervalBounds,
): number {
  const clamp = (ms: number) => Math.min(max, Math.max(min, ms));
  const current = clamp(currentMs);
  const mean = meanRunMs(runsMs);
  if (mean === undefined) return current;
  const wanted = clamp(Math.ceil((mean * INTERVAL_PER_RUN_TIME) / ROUND_TO_MS) * ROUND_TO_MS);
  return Math.abs(wanted - current) < current * LEAST_CHANGE ? current : wanted;
}
