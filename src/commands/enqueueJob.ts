import * as vscode from 'vscode';
import * as z from 'zod';
import { messageOf } from '../../agent/common/errors.ts';
import type { JsonValue } from '../../agent/common/json.ts';
import { requests } from '../../agent/protocol/api.ts';
import { QueueNode } from '../views/nodes/queueNode.ts';
import type { CommandContext } from './commandContext.ts';
import { pickOne } from './quickPick.ts';
import { tellDecision } from './tell.ts';

const payload = z.json();

/** Asks for a job type and its payload, and shows what the agent decided. */
export async function enqueueJob(context: CommandContext, node: unknown): Promise<void> {
  const queue = node instanceof QueueNode ? node.name : undefined;
  const type = await pickJobType(context, vscode.l10n.t('Enqueue Job'), queue);
  if (type === undefined) return;
  const data = await askPayload(vscode.l10n.t('Enqueue {0}', type));
  if (data === undefined) return;
  const decisions = await context.agent.client.request(requests.enqueue, { type, data });
  for (const decision of decisions) await tellDecision(context, decision);
}

/** @returns undefined when the person does not want to */
export async function askPayload(title: string): Promise<JsonValue | undefined> {
  const text = await vscode.window.showInputBox({
    title,
    prompt: vscode.l10n.t('The payload as JSON'),
    value: '{}',
    valueSelection: [1, 1],
    ignoreFocusOut: true,
    validateInput: payloadProblem,
  });
  return text === undefined ? undefined : payload.parse(JSON.parse(text));
}

/** @param queue the types of this queue come first */
export async function pickJobType(
  context: CommandContext,
  title: string,
  queue?: string,
): Promise<string | undefined> {
  // Throws when there is no agent, which is a better answer than an empty list.
  const { record } = context.agent.client;
  const types = context.data.store.agent?.jobTypes ?? [];
  context.log.debug(`agent ${record.agentId} has ${types.length} job types`);
  const choices = types
    .toSorted((a, b) => Number(b.queue === queue) - Number(a.queue === queue))
    .map(({ name, queue: inQueue, file }) => ({
      label: name,
      description: `${inQueue} · ${file}`,
      value: name,
    }));
  if (choices.length > 0) return pickOne(title, choices);
  void vscode.window.showInformationMessage(
    vscode.l10n.t('No job type is declared here. Add one to interlock.config.json.'),
  );
  return undefined;
}

function payloadProblem(text: string): string | undefined {
  try {
    JSON.parse(text);
    return undefined;
  } catch (error) {
    return vscode.l10n.t('Not JSON: {0}', messageOf(error));
  }
}
