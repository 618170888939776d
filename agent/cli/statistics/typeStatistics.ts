import type { Decision, DecisionReason } from '../../protocol/decision.ts';
import type { RunRow } from '../../protocol/model.ts';
import { countBy } from '../countBy.ts';

/** Milliseconds below which half, 95 % and all of the values are. */
export interface Spread {
  p50: number;
  p95: number;
  max: number;
}

/** How one job type did in a stretch of time. */
export interface TypeStatistics {
  type: string;
  /** Runs that ended. */
  runs: number;
  runsPerHour: number;
  byStatus: Partial<Record<RunRow['status'], number>>;
  /** Of the runs that came to an end of their own, 0 to 1; null: there is none. */
  failedShare: number | null;
  runMs: Spread | null;
  /** From when a job was due until it was started for the first time. */
  waitedMs: Spread | null;
  /** How many ran at one time, on average. */
  busy: number;
  /** By reason: what was not enqueued, or not run. */
  refusals: Partial<Record<DecisionReason, number>>;
  /** Why runs failed, the most frequent first. */
  errors: Counted[];
  /** Which keys were refused, the most frequent first. */
  keys: Counted[];
}

export interface Counted {
  what: string;
  count: number;
}

export interface StatisticsFacts {
  /** Runs that ended in the stretch. */
  runs: readonly RunRow[];
  /** Refusals of jobs in the stretch. */
  refusals: readonly Decision[];
  /** Its length, ms. */
  lengthMs: number;
}

/** Of errors and keys so many are named. */
const MOST_NAMED = 3;
const HOUR_MS = 3_600_000;

/** One for each type that had runs or refusals: those that kept workers busiest first. Pure. */
export function typeStatistics({ runs, refusals, lengthMs }: StatisticsFacts): TypeStatistics[] {
  const types = new Set([
    ...runs.map(({ type }) => type),
    ...refusals.map(({ subject }) => subject),
  ]);
  return [...types]
    .map((type) =>
      ofType(
        type,
        runs.filter((run) => run.type === type),
        refusals.filter(({ subject }) => subject === type),
        lengthMs,
      ),
    )
    .sort((one, other) => other.busy - one.busy || one.type.localeCompare(other.type));
}

function ofType(
  type: string,
  runs: readonly RunRow[],
  refusals: readonly Decision[],
  lengthMs: number,
): TypeStatistics {
  const failed = runs.filter(({ status }) => status === 'failed');
  const ended = runs.filter(({ status }) => status === 'completed' || status === 'failed');
  const ran = runs.filter(({ status }) => status !== 'skipped');
  const totalMs = ran.reduce((sum, { durationMs }) => sum + durationMs, 0);
  return {
    ...{ type, runs: runs.length, runsPerHour: runs.length / (lengthMs / HOUR_MS) },
    byStatus: Object.fromEntries(countBy(runs, ({ status }) => status)),
    failedShare: ended.length === 0 ? null : failed.length / ended.length,
    runMs: spreadOf(ended.map(({ durationMs }) => durationMs)),
    waitedMs: spreadOf(runs.flatMap(({ waitedMs }) => waitedMs ?? [])),
    busy: totalMs / lengthMs,
    refusals: Object.fromEntries(countBy(refusals, ({ reason }) => reason)),
    errors: mostFrequent(countBy(failed, ({ error }) => error?.split('\n')[0] ?? 'no reason told')),
    keys: mostFrequent(countBy(refusals, ({ key }) => key ?? '*')),
  };
}

/** null for no values. Nearest rank: each is a value that was measured. */
export function spreadOf(values: readonly number[]): Spread | null {
  const sorted = values.toSorted((one, other) => one - other);
  const max = sorted.at(-1);
  if (max === undefined) return null;
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? max;
  return { p50: at(0.5), p95: at(0.95), max };
}

function mostFrequent(counts: ReadonlyMap<string, number>): Counted[] {
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, MOST_NAMED)
    .map(([what, times]) => ({ what, count: times }));
}
