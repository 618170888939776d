import type { AgeLevel, AgeThresholds, LockKind } from './model.ts';

/** How long a run has been going on, in words. A threshold itself counts as passed. */
export function runAgeLevel(ageMs: number, thresholds: AgeThresholds): AgeLevel {
  if (ageMs >= thresholds.jobEmergencyMs) return 'emergency';
  if (ageMs >= thresholds.jobCriticalMs) return 'critical';
  return ageMs >= thresholds.jobWarnMs ? 'warning' : 'normal';
}

/**
 * How long a lock has been held, in words. Streams and the scheduler hold theirs for as long as they
 * live, and a uniqueness key is as old as its job waits: only locks of runs and watched ones count.
 */
export function lockAgeLevel(
  kind: LockKind,
  ageMs: number | null,
  thresholds: AgeThresholds,
): AgeLevel {
  if (ageMs === null || kind === 'scheduler' || kind === 'stream' || kind === 'dedup')
    return 'normal';
  if (ageMs >= thresholds.lockEmergencyMs) return 'emergency';
  return ageMs >= thresholds.lockWarnMs ? 'warning' : 'normal';
}
