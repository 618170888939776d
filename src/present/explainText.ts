import type { Decision } from '../../agent/protocol/decision.ts';
import { DocumentWriter } from '../documents/textActions.ts';
import { DecisionRuns, isRun } from '../model/decisionRuns.ts';
import type { LockList } from '../model/lockList.ts';
import type { Store } from '../model/store.ts';
import { formatAgo, formatClockTime, formatCount } from './age.ts';
import { decisionHead, decisionSentence, reasonPhrase } from './decisionText.ts';
import { describeHolder, holderLiveness } from './holderText.ts';
import { remedyActions } from './remedyActions.ts';
import type { Translate } from './translate.ts';

interface Known {
  store: Store;
  locks: LockList;
}

/** Why jobs of a type did not run: its newest refusals, with what can be done about each. */
export function explainDocument(
  type: string,
  refusals: readonly Decision[],
  looked: number,
  known: Known,
  nowMs: number,
  t: Translate,
): DocumentWriter {
  const writer = new DocumentWriter();
  writer.add([`# ${t('Why {0} was skipped', type)}`, '']);
  if (refusals.length === 0) {
    return writer.add([
      t('Nothing was refused in the last {0} decisions about it.', formatCount(looked)),
    ]);
  }
  writer.add([
    t('{0} of the last {1} decisions about it:', formatCount(refusals.length), formatCount(looked)),
    '',
  ]);
  for (const row of new DecisionRuns().of(refusals)) {
    const decisions = isRun(row) ? row.decisions : [row];
    const [newest] = decisions;
    if (newest === undefined) continue;
    const lines = refusalLines(newest, decisions, nowMs, t);
    writer.add(lines, remedyActions(newest, known, t)).add(['']);
  }
  return writer;
}

/** One decision with its rule, its facts and every field. */
export function decisionDocument(
  decision: Decision,
  known: Known,
  nowMs: number,
  t: Translate,
): DocumentWriter {
  return new DocumentWriter()
    .add([`# ${decisionSentence(decision, nowMs, t)}`, ''], remedyActions(decision, known, t))
    .add([...factLines(decision, nowMs, t), ''])
    .add(['```json', JSON.stringify(decision, null, 2), '```']);
}

function refusalLines(
  newest: Decision,
  all: readonly Decision[],
  nowMs: number,
  t: Translate,
): string[] {
  const ago = formatAgo(newest.at, nowMs, t);
  const times = all.length > 1 ? ` ${t('({0} times)', formatCount(all.length))}` : '';
  return [
    `## ${ago}: ${decisionHead(newest, t)}${times}`,
    '',
    `${decisionSentence(newest, nowMs, t)}.`,
    '',
    ...factLines(newest, nowMs, t),
  ];
}

function factLines(decision: Decision, nowMs: number, t: Translate): string[] {
  const { survivor, holder, counts } = decision;
  const at = (iso: string | null) => (iso === null ? '' : formatClockTime(iso, nowMs));
  const facts: [string, string][] = [
    [t('At'), at(decision.at)],
    [t('Rule'), `${decision.reason}: ${reasonPhrase(decision.reason, t)}`],
    [
      t('Limit'),
      counts === null
        ? ''
        : t('{0} queued or running, {1} allowed', counts.queuedOrRunning, counts.limit),
    ],
    [t('Survivor'), survivor === null ? '' : `${survivor.jobId} (${survivor.state})`],
    [
      t('Holder'),
      holder === null ? '' : `${describeHolder(holder, t)}, ${holderLiveness(holder, t)}`,
    ],
    [t('Since'), at(survivor?.since ?? null)],
    [t('Until'), at(decision.until)],
    [t('What to do'), decision.remedy ?? ''],
  ];
  return facts.filter(([, value]) => value !== '').map(([name, value]) => `- ${name}: ${value}`);
}
