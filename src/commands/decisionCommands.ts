import * as vscode from 'vscode';
import type { Decision } from '../../agent/protocol/decision.ts';
import { COMMANDS } from '../contributions.ts';
import { formatAgo } from '../present/age.ts';
import { decisionHead, decisionTail } from '../present/decisionText.ts';
import { decisionDocument } from '../present/explainText.ts';
import { DecisionNode } from '../views/nodes/decisionNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { chooseFilter, showFiltered } from './decisionFilter.ts';
import { pickOne } from './quickPick.ts';

type DecisionCommand =
  | typeof COMMANDS.decisionShow
  | typeof COMMANDS.decisionsFilter
  | typeof COMMANDS.decisionsClearFilter;

export function decisionCommands(context: CommandContext): Pick<CommandHandlers, DecisionCommand> {
  return {
    [COMMANDS.decisionShow]: async (node) => {
      const decision = node instanceof DecisionNode ? node.decision : await chooseDecision(context);
      if (decision !== undefined) await showDecision(context, decision);
    },
    [COMMANDS.decisionsFilter]: () => chooseFilter(context),
    [COMMANDS.decisionsClearFilter]: () => showFiltered(context, {}),
  };
}

/** The sentence, the rule in words and every field, with what can be done about it. */
export async function showDecision(context: CommandContext, decision: Decision): Promise<void> {
  const { time, t } = context.data;
  const { text, actions } = decisionDocument(decision, context.data, time.now(), t);
  await context.documents.show(`/decision/${decision.subject} ${decision.id}.md`, text, actions);
}

function chooseDecision(context: CommandContext): Promise<Decision | undefined> {
  const { decisions, time, t } = context.data;
  const choices = decisions.rows().map((decision) => ({
    label: decisionHead(decision, t),
    description: `${decisionTail(decision, time.now(), t)} · ${formatAgo(decision.at, time.now(), t)}`,
    value: decision,
  }));
  return pickOne(vscode.l10n.t('Show Decision'), choices);
}
