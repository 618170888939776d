import * as vscode from 'vscode';
import type { BulkResult } from '../../agent/protocol/api.ts';
import type { Decision } from '../../agent/protocol/decision.ts';
import { decisionSentence, outcomeTone } from '../present/decisionText.ts';
import type { CommandContext } from './commandContext.ts';
import { showDecision } from './decisionCommands.ts';

/** Shows an answer of the agent as a sentence; a refusal comes with its remedy. */
export async function tellDecision(context: CommandContext, decision: Decision): Promise<void> {
  const sentence = decisionSentence(decision, context.data.time.now(), context.data.t);
  const text = decision.remedy === null ? sentence : `${sentence}. ${decision.remedy}`;
  const show = vscode.l10n.t('Show Decision');
  const chosen =
    outcomeTone(decision.outcome) === 'bad'
      ? await vscode.window.showWarningMessage(text, show)
      : await vscode.window.showInformationMessage(text, show);
  if (chosen === show) await showDecision(context, decision);
}

/** One sentence for what was done, and a warning that names what was not. */
export function tellBulk(result: BulkResult, doneSentence: string): void {
  if (result.refused.length === 0) {
    void vscode.window.showInformationMessage(doneSentence);
    return;
  }
  const refused = result.refused.map(({ id, why }) => `${id}: ${why}`).join('; ');
  const done = result.done.length > 0 ? `${doneSentence} ` : '';
  void vscode.window.showWarningMessage(`${done}${vscode.l10n.t('Refused: {0}', refused)}`);
}
