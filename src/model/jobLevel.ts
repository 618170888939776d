import { runAgeLevel } from '../../agent/protocol/ageLevels.ts';
import type { AgeLevel, AgeThresholds, JobRow } from '../../agent/protocol/model.ts';

/** Whether a run goes on for longer than it should. @param thresholds undefined before they are known */
export function jobLevel(
  job: JobRow,
  nowMs: number,
  thresholds: AgeThresholds | undefined,
): AgeLevel {
  const startedMs = job.startedAt === null ? Number.NaN : Date.parse(job.startedAt);
  if (job.state !== 'active' || thresholds === undefined || Number.isNaN(startedMs))
    return 'normal';
  return runAgeLevel(nowMs - startedMs, thresholds);
}
