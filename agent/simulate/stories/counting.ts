import { factsOf, type StoryRecord } from './storyRecord.ts';

/** The most that went on at one time, by the order in which they were written down. */
export function mostAtOneTime(changes: Iterable<1 | -1>): number {
  let now = 0;
  let most = 0;
  for (const change of changes) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}

export function mostRunsAtOneTime(records: readonly StoryRecord[]): number {
  return mostAtOneTime(
    records.flatMap(({ fact }) => {
      if (fact?.kind === 'run_started') return [1 as const];
      return fact?.kind === 'run_ended' ? [-1 as const] : [];
    }),
  );
}

/** How often each answer was given: `accepted`, `already_running`. */
export function countOutcomes(records: readonly StoryRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome } of factsOf(records, 'asked')) counts[outcome] = (counts[outcome] ?? 0) + 1;
  return counts;
}

/** The refusals by the rule that decided: `refusedByUniqueKey`. */
export function countRefusals(records: readonly StoryRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { outcome, reason } of factsOf(records, 'asked')) {
    if (outcome === 'accepted') continue;
    const name = `refused ${reason}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
