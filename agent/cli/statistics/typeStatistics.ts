import type { Decision, DecisionReason } from '../../protocol/decision.ts';
import type { RunRow } from '../../protocol/model.ts';

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
  const runsOf = groupBy(runs, ({ type }) => type);
  const refusalsOf = groupBy(refusals, ({ subject }) => subject);
  const types = new Set([...runsOf.keys(), ...refusalsOf.keys()]);
  return [...types]
    .map((type) => ofType(type, runsOf.get(type) ?? [], refusalsOf.get(type) ?? [], lengthMs))
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
    byStatus: Object.fromEntries(count(runs, ({ status }) => status)),
    failedShare: ended.length === 0 ? null : failed.length / ended.length,
    runMs: spreadOf(ended.map(({ durationMs }) => durationMs)),
    waitedMs: spreadOf(runs.flatMap(({ waitedMs }) => waitedMs ?? [])),
    busy: totalMs / lengthMs,
    refusals: Object.fromEntries(count(refusals, ({ reason }) => reason)),
    errors: mostFrequent(count(failed, ({ error }) => error?.split('\n')[0] ?? 'no reason told')),
    keys: mostFrequent(count(refusals, ({ key }) => key ?? '*')),
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

function groupBy<Row, K extends string>(rows: readonly Row[], of: (row: Row) => K): Map<K, Row[]> {
  const groups = new Map<K, Row[]>();
  for (const row of rows) {
    const group = groups.get(of(row));
    if (group === undefined) groups.set(of(row), [row]);
    else group.push(row);
  }
  return groups;
}

function count<Row, K extends string>(rows: readonly Row[], of: (row: Row) => K): Map<K, number> {
  return new Map([...groupBy(rows, of)].map(([key, group]) => [key, group.length]));
}

function mostFrequent(counts: ReadonlyMap<string, number>): Counted[] {
  return [...counts]
    .sort(([, one], [, other]) => other - one)
    .slice(0, MOST_NAMED)
    .map(([what, times]) => ({ what, count: times }));
}
