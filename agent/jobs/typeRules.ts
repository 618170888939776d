import type { Config, JobTypeConfig } from '../config/schema.ts';

/** When a second job of a key is kept out, and what becomes of it. */
export interface UniqueRule {
  by: string[] | 'function';
  while: NonNullable<JobTypeConfig['unique']>['while'];
  /** For `window`: how long, in ms. */
  windowMs: number;
  onConflict: NonNullable<JobTypeConfig['unique']>['onConflict'];
}

/** The rules of a job type that are in force. */
export interface TypeRules {
  unique: UniqueRule | null;
  /** Most jobs queued or running; 0 = any number. */
  maxConcurrent: number;
  /** Whether a last check stands right before each run. */
  lastCheck: boolean;
  /** Whether duplicates that wait are removed when one runs. */
  removesWaiting: boolean;
}

/** What the config says of a type, under its three switches. */
export function rulesOf(type: JobTypeConfig, switches: Config['deduplication']): TypeRules {
  const aggressive = type.monitoring && switches.aggressive && switches.enabled;
  return {
    unique: switches.enabled ? uniqueRuleOf(type, aggressive) : null,
    maxConcurrent: switches.stackingPrevention ? (type.maxConcurrent ?? 0) : 0,
    lastCheck: switches.stackingPrevention,
    removesWaiting: aggressive,
  };
}

/** Whether the rules ask for anything before a run. */
export function needsLastCheck(rules: TypeRules): boolean {
  return rules.unique !== null || rules.maxConcurrent > 0;
}

function uniqueRuleOf(type: JobTypeConfig, aggressive: boolean): UniqueRule | null {
  if (type.unique !== undefined) {
    const { by, while: during, window, onConflict } = type.unique;
    return { by, while: during, windowMs: window ?? 0, onConflict };
  }
  // A second look at the same thing is of no use: the whole type is one key.
  if (!aggressive) return null;
  return { by: [], while: 'queued-or-running', windowMs: 0, onConflict: 'skip' };
}
