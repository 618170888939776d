import * as vscode from 'vscode';
import * as z from 'zod';
import { remediesOf, type RuleRef } from '../model/remedies.ts';
import { rulePlace } from '../model/rulePlace.ts';
import { DecisionNode } from '../views/nodes/decisionNode.ts';
import { configUri } from '../workspace.ts';
import type { CommandContext } from './commandContext.ts';
import { pickJobType } from './enqueueJob.ts';

/** What a link says. */
const ruleRef = z.object({ type: z.string(), field: z.enum(['unique', 'maxConcurrent']) });

/** Opens the config where the rule of a job type stands. */
export async function openRule(
  context: CommandContext,
  folder: vscode.WorkspaceFolder,
  about: unknown,
): Promise<void> {
  const rule = ruleOf(context, about) ?? (await chooseRule(context));
  if (rule === undefined) return;
  const document = await vscode.workspace.openTextDocument(configUri(folder));
  const [start, end] = rulePlace(document.getText(), rule);
  const selection = new vscode.Range(document.positionAt(start), document.positionAt(end));
  await vscode.window.showTextDocument(document, { selection });
}

function ruleOf(context: CommandContext, about: unknown): RuleRef | undefined {
  if (about instanceof DecisionNode) {
    const { store, locks } = context.data;
    return about.decision && remediesOf(about.decision, store, locks).rule;
  }
  return ruleRef.safeParse(about).data;
}

async function chooseRule(context: CommandContext): Promise<RuleRef | undefined> {
  const type = await pickJobType(context, vscode.l10n.t('Open Rule in Config'));
  return type === undefined ? undefined : { type, field: 'unique' };
}
