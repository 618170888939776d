import type { JobRow, LockRow } from '../protocol/model.ts';

export type AgeLevel = 'warning' | 'critical' | 'emergency';

/** Something that goes on for so long that a person should know. Nothing is taken away for its age. */
export interface LongAge {
  kind: 'job' | 'lock';
  name: string;
  ageMs: number;
  level: AgeLevel;
}

const MINUTE_MS = 60_000;

/** The longest first: the first that fits is meant. */
const JOB_LEVELS: [fromMs: number, level: AgeLevel][] = [
  [50 * MINUTE_MS, 'emergency'],
  [30 * MINUTE_MS, 'critical'],
  [10 * MINUTE_MS, 'warning'],
];
const LOCK_LEVELS: [fromMs: number, level: AgeLevel][] = [
  [55 * MINUTE_MS, 'emergency'],
  [30 * MINUTE_MS, 'warning'],
];

/** Runs and their locks that are over a threshold, the oldest first. Streams hold their lock for good. */
export function longAges(active: JobRow[], locks: LockRow[], nowMs: number): LongAge[] {
  const jobs = active.map((job) => ({
    kind: 'job' as const,
    name: `${job.type} ${job.id}`,
    ageMs: job.startedAt === null ? 0 : nowMs - Date.parse(job.startedAt),
    levels: JOB_LEVELS,
  }));
  const held = locks
    .filter((lock) => lock.kind === 'run' || lock.kind === 'job')
    .map((lock) => ({
      kind: 'lock' as const,
      name: lock.name,
      ageMs: lock.ageMs,
      levels: LOCK_LEVELS,
    }));
  return [...jobs, ...held]
    .flatMap(({ levels, ...age }) => {
      const level = levels.find(([fromMs]) => age.ageMs >= fromMs)?.[1];
      return level === undefined ? [] : [{ ...age, level }];
    })
    .sort((a, b) => b.ageMs - a.ageMs);
}
