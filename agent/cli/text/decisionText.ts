import type { Decision, DecisionAction } from '../../protocol/decision.ts';
import { ago, holderName } from './ages.ts';
import type { Style } from './style.ts';
import { plural } from './table.ts';

const ASKED: Record<DecisionAction, string> = {
  enqueue: 'Enqueueing',
  requeue: 'Requeueing',
  schedule: 'The slot of',
  execute: 'The run of',
  start_stream: 'Starting stream',
  stop_stream: 'Stopping stream',
  restart_stream: 'Restarting stream',
  release: 'Releasing',
  takeover: 'Taking over',
};

/** A decision as a sentence; a refusal with its rule, who is there already, and what to do. */
export function decisionText(decision: Decision, nowMs: number, style: Style): string {
  const subject = `${ASKED[decision.action]} ${decision.subject}${keyText(decision.key)}`;
  if (decision.outcome === 'accepted') {
    const job = decision.jobId === null ? '' : `: job ${decision.jobId}`;
    return `${style.good('Accepted.')} ${subject}${job}.`;
  }
  const lines = [
    `${style.warning(`${outcomeWord(decision)}.`)} ${subject}: ${why(decision, nowMs)} (rule: ${decision.reason}).`,
  ];
  if (decision.remedy !== null) lines.push(style.quiet(decision.remedy));
  return lines.join('\n');
}

/** Many decisions: what came out, then each kind of refusal once. */
export function decisionsText(decisions: Decision[], nowMs: number, style: Style): string {
  const counts = new Map<string, number>();
  for (const { outcome } of decisions) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const summary = [...counts].map(([outcome, count]) => `${count} ${words(outcome)}`).join(', ');
  const lines = [`${plural(decisions.length, 'decision')}: ${summary}.`];
  const told = new Set<string>();
  for (const decision of decisions) {
    if (told.has(decision.outcome)) continue;
    told.add(decision.outcome);
    lines.push(decisionText(decision, nowMs, style));
  }
  return lines.join('\n');
}

function outcomeWord(decision: Decision): string {
  const word = words(decision.outcome);
  return word.charAt(0).toUpperCase() + word.slice(1);
}

function why(decision: Decision, nowMs: number): string {
  const { survivor, holder } = decision;
  const by = holder === null ? '' : `, held by ${holderName(holder)}`;
  const till = decision.until === null ? '' : `, until ${decision.until}`;
  if (survivor === null) return `${words(decision.reason)}${by}${till}`;
  const since = survivor.since === null ? '' : ` since ${ago(survivor.since, nowMs)}`;
  return `job ${survivor.jobId} is ${survivor.state}${since.replace(/ ago$/, '')}${by}${till}`;
}

function keyText(key: string | null): string {
  return key === null || key === '*' ? '' : ` (key ${key})`;
}

function words(code: string): string {
  return code.replaceAll('_', ' ');
}
