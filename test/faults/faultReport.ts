import type { Violation } from './faultRecord.ts';
import type { FaultRun } from './faultRun.ts';

const MOST_SHOWN = 10;

export interface FaultSummary {
  seed: number;
  rounds: number;
  seconds: number;
  /** All times were so many times longer, as the machine was slow. */
  slowness: number;
  faults: Record<string, number>;
  faultsLeftOut: number;
  agentStarts: number;
  enqueues: Record<string, number>;
  jobs: number;
  runs: number;
  /** Retries that a moved clock had put off; they were promoted. */
  putOff: number;
  effects: { accepted: number; refused: number };
  decisions: Record<string, number>;
  snapshots: number;
  violations: Violation[];
}

export function summarize(run: FaultRun, seed: number, violations: Violation[]): FaultSummary {
  const { effects, enqueues, events, decisions } = run.record();
  const accepted = effects.filter((effect) => effect.accepted).length;
  return {
    ...{ seed, rounds: run.rounds, seconds: Math.round(run.elapsedMs / 1_000) },
    slowness: run.slowness,
    ...{ faults: run.faults.counts, faultsLeftOut: run.faults.leftOut, agentStarts: run.starts },
    enqueues: countBy(enqueues, ({ answer }) =>
      answer?.kind === 'decision' ? answer.decision.outcome : (answer?.kind ?? 'open'),
    ),
    jobs: events.filter(({ event }) => event === 'added').length,
    runs: new Set(effects.map(({ run: name }) => name)).size,
    putOff: run.putOff,
    effects: { accepted, refused: effects.length - accepted },
    decisions: countBy(decisions, ({ action, outcome }) => `${action} ${outcome}`),
    snapshots: run.watch.snapshots,
    violations,
  };
}

export function summaryText(summary: FaultSummary): string {
  const { seed, rounds, seconds, faults, faultsLeftOut, effects, violations } = summary;
  const faultCount = Object.values(faults).reduce((sum, count) => sum + count, 0);
  return [
    `seed ${seed}: ${rounds} rounds in ${seconds} s`,
    `faults      ${faultCount} (${counts(faults)}; ${faultsLeftOut} left out)`,
    `agents      ${summary.agentStarts} started`,
    `enqueues    ${counts(summary.enqueues)}`,
    `jobs        ${summary.jobs}, ${summary.runs} runs, ${summary.putOff} retries put off by a moved clock`,
    `effects     ${effects.accepted} accepted, ${effects.refused} refused by the resource`,
    `decisions   ${counts(summary.decisions)}`,
    `snapshots   ${summary.snapshots}`,
    `violations  ${violations.length}${violations.length === 0 ? '' : ` (${counts(countBy(violations, ({ rule }) => rule))})`}`,
    ...violations.slice(0, MOST_SHOWN).map(violationText),
  ].join('\n');
}

export function violationText({ rule, what, excerpt }: Violation): string {
  return [`\n${rule}: ${what}`, ...excerpt.map((line) => `    ${line}`)].join('\n');
}

function counts(numbers: Record<string, number>): string {
  return Object.entries(numbers)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function countBy<T>(all: T[], nameOf: (one: T) => string): Record<string, number> {
  const found: Record<string, number> = {};
  for (const one of all) found[nameOf(one)] = (found[nameOf(one)] ?? 0) + 1;
  return found;
}
