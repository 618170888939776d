import * as vscode from 'vscode';
import type { Decision } from '../../agent/protocol/decision.ts';
import { COMMANDS } from '../contributions.ts';
import { newestDecisions } from '../model/selectors.ts';
import { formatAgo } from '../present/age.ts';
import {
  decisionHead,
  decisionSentence,
  decisionTail,
  reasonPhrase,
} from '../present/decisionText.ts';
import { DecisionNode } from '../views/nodes/decisionNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { pickOne } from './quickPick.ts';

export function decisionCommands(
  context: CommandContext,
): Pick<CommandHandlers, typeof COMMANDS.decisionShow> {
  return {
    [COMMANDS.decisionShow]: async (node) => {
      const decision = node instanceof DecisionNode ? node.decision : await chooseDecision(context);
      if (decision !== undefined) await showDecision(context, decision);
    },
  };
}

/** The sentence, the rule in words and every field. */
export async function showDecision(context: CommandContext, decision: Decision): Promise<void> {
  const { t, time } = context.data;
  const text = [
    `# ${decisionSentence(decision, time.now(), t)}`,
    '',
    t('Rule: {0}: {1}.', decision.reason, reasonPhrase(decision.reason, t)),
    ...(decision.remedy === null ? [] : [t('What to do: {0}', decision.remedy)]),
    '',
    '```json',
    JSON.stringify(decision, null, 2),
    '```',
    '',
  ].join('\n');
  await context.documents.show(`/decision/${decision.subject} ${decision.id}.md`, text);
}

function chooseDecision(context: CommandContext): Promise<Decision | undefined> {
  const { store, time, t } = context.data;
  const choices = newestDecisions(store.rows('decisions')).map((decision) => ({
    label: decisionHead(decision, t),
    description: `${decisionTail(decision, time.now(), t)} · ${formatAgo(decision.at, time.now(), t)}`,
    value: decision,
  }));
  return pickOne(vscode.l10n.t('Show Decision'), choices);
}
