import type { DecisionOutcome } from '../../protocol/decision.ts';
import type { QueueRow, StateSnapshot } from '../../protocol/model.ts';
import { countOf } from '../text/queueText.ts';

/** What has been seen since `up` began, gathered from state to state. */
export interface UpFigures {
  sinceMs: number;
  /** Wall-clock time of the first run that started since then. */
  firstRunAtMs: number | null;
  seenDecisions: ReadonlySet<string>;
  decisions: Partial<Record<DecisionOutcome, number>>;
}

export interface JobTotals {
  completed: number;
  failed: number;
  active: number;
  waiting: number;
}

export function startFigures(sinceMs: number): UpFigures {
  return { sinceMs, firstRunAtMs: null, seenDecisions: new Set(), decisions: {} };
}

/** Counts what is new in a state. */
export function countState(figures: UpFigures, state: StateSnapshot): UpFigures {
  const seen = new Set(figures.seenDecisions);
  const decisions = { ...figures.decisions };
  for (const [key, decision] of Object.entries(state.decisions)) {
    if (seen.has(key)) continue;
    seen.add(key);
    if (Date.parse(decision.at) < figures.sinceMs) continue;
    decisions[decision.outcome] = (decisions[decision.outcome] ?? 0) + 1;
  }
  return {
    ...figures,
    firstRunAtMs: firstRunAtMs(figures, state),
    seenDecisions: seen,
    decisions,
  };
}

function firstRunAtMs(figures: UpFigures, state: StateSnapshot): number | null {
  let first = figures.firstRunAtMs;
  for (const job of Object.values(state.jobs)) {
    if (job.startedAt === null) continue;
    const startedAtMs = Date.parse(job.startedAt);
    if (startedAtMs < figures.sinceMs) continue;
    if (first === null || startedAtMs < first) first = startedAtMs;
  }
  return first;
}

/** Over all queues; prioritized jobs wait as well. */
export function totalJobs(queues: QueueRow[]): JobTotals {
  const sum = (...states: (keyof QueueRow['counts'])[]) =>
    queues.reduce(
      (total, queue) => total + states.reduce((part, state) => part + countOf(queue, state), 0),
      0,
    );
  return {
    completed: sum('completed'),
    failed: sum('failed'),
    active: sum('active'),
    waiting: sum('waiting', 'prioritized'),
  };
}
