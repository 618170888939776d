import { jobTypeConfig, type Config, type JobTypeConfig } from '../config/schema.ts';
import { rulesOf, type TypeRules } from '../jobs/typeRules.ts';
import type { SimulateDuplicatesResult } from '../protocol/api.ts';

/** What the rules of a type allow in a race for one key, both ends included. */
export interface RaceBounds {
  accepted: [least: number, most: number];
  runs: [least: number, most: number];
  /** Most runs at one time. */
  concurrent: number;
}

/**
 * What must come out of a race under these rules. In it no run ends before every attempt is answered.
 * @param raceMs how long it took: a window may have ended in it
 */
export function raceBounds(rules: TypeRules, attempts: number, raceMs: number): RaceBounds {
  const { unique } = rules;
  const places = rules.maxConcurrent > 0 ? rules.maxConcurrent : Infinity;
  if (unique === null) {
    const accepted = Math.min(places, attempts);
    return { accepted: [accepted, accepted], runs: [accepted, accepted], concurrent: accepted };
  }
  switch (unique.while) {
    case 'window': {
      const most = Math.min(attempts, 1 + Math.floor(raceMs / unique.windowMs));
      return { accepted: [1, most], runs: [1, most], concurrent: Math.min(most, places) };
    }
    case 'running':
      // What came in before the first one ran waits, and is skipped or runs after it.
      return { accepted: [1, attempts], runs: [1, attempts], concurrent: 1 };
    case 'queued':
    case 'queued-or-running': {
      // At most one more runs after the one that runs.
      const runs = unique.onConflict === 'reschedule' ? 2 : 1;
      return { accepted: [1, 1], runs: [1, runs], concurrent: 1 };
    }
  }
}

/** A race, and whether it came out as the rules of its type allow. */
export interface JudgedRace {
  result: SimulateDuplicatesResult;
  bounds: RaceBounds;
  /** A naive race proves nothing either way: whatever came out is its answer. */
  held: boolean;
}

export function judgeRace(result: SimulateDuplicatesResult, config: Config): JudgedRace {
  const type = config.jobs[result.jobType] ?? jobTypeConfig.parse({ handler: '?' });
  const bounds = raceBounds(rulesOf(type, config.deduplication), result.attempts, result.ms);
  return { result, bounds, held: result.naive || isWithin(result, bounds) };
}

/** The job types about which there is something to prove. */
export function typesWithRules({ jobs, deduplication }: Config): string[] {
  return Object.entries(jobs).flatMap(([name, type]) =>
    hasRule(rulesOf(type, deduplication)) ? [name] : [],
  );
}

function isWithin(result: SimulateDuplicatesResult, bounds: RaceBounds): boolean {
  const { accepted, runs, maxConcurrentRuns } = result;
  return (
    isBetween(accepted, bounds.accepted) &&
    isBetween(runs, bounds.runs) &&
    maxConcurrentRuns >= 1 &&
    maxConcurrentRuns <= bounds.concurrent
  );
}

/** Whether there is anything to prove about a type. */
export function hasRule({ unique, maxConcurrent }: TypeRules): boolean {
  return unique !== null || maxConcurrent > 0;
}

/** The type without any protection. */
export function withoutRules(type: JobTypeConfig): JobTypeConfig {
  const unprotected = { ...type, monitoring: false };
  delete unprotected.unique;
  delete unprotected.maxConcurrent;
  return unprotected;
}

function isBetween(value: number, [least, most]: [number, number]): boolean {
  return value >= least && value <= most;
}
