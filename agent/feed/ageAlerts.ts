import { lockAgeLevel, runAgeLevel } from '../protocol/ageLevels.ts';
import type { AgeAlert, AgeLevel, AgeThresholds, JobRow, LockRow } from '../protocol/model.ts';

const RANK: Record<AgeLevel, number> = { normal: 0, warning: 1, critical: 2, emergency: 3 };

/** Runs and held locks that have passed a threshold, the oldest first. Nothing is freed for its age. */
export function ageAlerts(
  active: readonly JobRow[],
  locks: readonly LockRow[],
  thresholds: AgeThresholds,
  nowMs: number,
): AgeAlert[] {
  const runs = active.flatMap((job) => {
    if (job.startedAt === null) return [];
    const level = runAgeLevel(nowMs - Date.parse(job.startedAt), thresholds);
    const name = job.key === null ? `${job.type} ${job.id}` : `${job.type} [${job.key}]`;
    return alert('job', `${job.queue}/${job.id}`, name, level, job.startedAt);
  });
  const held = locks.flatMap((lock) => {
    const level = lockAgeLevel(lock.kind, lock.ageMs, thresholds);
    const since = lock.acquiredAt ?? new Date(nowMs - (lock.ageMs ?? 0)).toISOString();
    return alert('lock', lock.name, lock.name, level, since);
  });
  return [...runs, ...held].sort((a, b) => Date.parse(a.since) - Date.parse(b.since));
}

/** Those that are new, or have passed a further threshold. */
export function risenAlerts(before: readonly AgeAlert[], after: readonly AgeAlert[]): AgeAlert[] {
  const known = new Map(before.map((one) => [identityOf(one), RANK[one.level]]));
  return after.filter((one) => RANK[one.level] > (known.get(identityOf(one)) ?? 0));
}

/** A second run of a job is another matter than its first one. */
function identityOf({ kind, key, since }: AgeAlert): string {
  return `${kind} ${key} ${since}`;
}

function alert(
  kind: AgeAlert['kind'],
  key: string,
  name: string,
  level: AgeLevel,
  since: string,
): AgeAlert[] {
  return level === 'normal' ? [] : [{ kind, key, name, level, since }];
}
