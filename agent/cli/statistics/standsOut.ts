import { formatDuration } from '../../common/duration.ts';
import type { ScheduleRow } from '../../protocol/model.ts';
import type { TypeStatistics } from './typeStatistics.ts';

/** Fewer failures than that are no habit. */
const LEAST_FAILED = 5;
/** A share of the runs. */
export const MUCH_FAILED = 0.1;
/** Nobody minds a shorter wait. */
const LONG_WAIT_MS = 10_000;

/** What a person should look at, in sentences with what to do. Pure. */
export function standsOut(row: TypeStatistics, schedules: readonly ScheduleRow[]): string[] {
  return [longerThanInterval(row, schedules), longWait(row), oftenFailed(row), lost(row)].flatMap(
    (sentence) => sentence ?? [],
  );
}

/** Runs that are longer than their interval pile up, or are refused. */
function longerThanInterval({ type, runMs }: TypeStatistics, schedules: readonly ScheduleRow[]) {
  if (runMs === null) return undefined;
  for (const { name, job, nextSlots } of schedules) {
    const everyMs = intervalMs(nextSlots);
    if (job !== type || everyMs === null || runMs.p95 <= everyMs) continue;
    const facts = `its runs take up to ${formatDuration(runMs.p95)} (95 %), and schedule ${name} comes every ${formatDuration(everyMs)}`;
    return `${type}: ${facts}. Make the interval longer, or let it follow the run time ("every": { "min", "max" }).`;
  }
  return undefined;
}

function longWait({ type, runMs, waitedMs }: TypeStatistics) {
  if (waitedMs === null || waitedMs.p95 < LONG_WAIT_MS) return undefined;
  if (waitedMs.p95 <= (runMs?.p95 ?? 0)) return undefined;
  const took = runMs === null ? '' : `, to run for ${formatDuration(runMs.p95)}`;
  return `${type}: its jobs wait for up to ${formatDuration(waitedMs.p95)} (95 %)${took}. Raise "concurrency", or start another agent that works.`;
}

function oftenFailed({ type, byStatus, failedShare, errors }: TypeStatistics) {
  const failed = byStatus.failed ?? 0;
  if (failedShare === null || failed < LEAST_FAILED || failedShare < MUCH_FAILED) return undefined;
  const [most] = errors;
  const why = most === undefined ? '' : ` ${most.count} times: ${most.what}`;
  return `${type}: ${Math.round(failedShare * 100)} % of its runs fail.${why}`;
}

function lost({ type, byStatus }: TypeStatistics) {
  const count = byStatus.lost ?? 0;
  if (count === 0) return undefined;
  const runs = count === 1 ? '1 run was lost' : `${count} runs were lost`;
  return `${type}: ${runs}, because a worker died or lost its lock. "interlock history --status lost" tells which.`;
}

/** The shortest one between the next slots; null: not known. */
function intervalMs(nextSlots: readonly string[]): number | null {
  const times = nextSlots.map((slot) => Date.parse(slot));
  const gaps = times.slice(1).map((time, index) => time - (times[index] ?? time));
  return gaps.length === 0 ? null : Math.min(...gaps);
}
