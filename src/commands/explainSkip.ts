import * as vscode from 'vscode';
import { requests } from '../../agent/protocol/api.ts';
import { explainDocument } from '../present/explainText.ts';
import { JobGroupNode } from '../views/nodes/jobGroupNode.ts';
import { JobNode } from '../views/nodes/jobNode.ts';
import { QueueNode } from '../views/nodes/queueNode.ts';
import type { CommandContext } from './commandContext.ts';
import { pickJobType } from './enqueueJob.ts';

/** So many decisions about the type are looked through. */
const LOOKED_THROUGH = 500;

/** Shows why jobs of a type were not accepted lately. */
export async function explainSkip(context: CommandContext, node: unknown): Promise<void> {
  const type = await chosenType(context, node);
  if (type === undefined) return;
  const { rows } = await context.agent.client.request(requests.decisions, {
    subject: type,
    limit: LOOKED_THROUGH,
  });
  const refusals = rows.filter(({ outcome }) => outcome !== 'accepted');
  const { time, t } = context.data;
  const { text, actions } = explainDocument(
    ...([type, refusals, rows.length, context.data, time.now(), t] as const),
  );
  await context.documents.show(`/explain/${type}.md`, text, actions);
}

async function chosenType(context: CommandContext, node: unknown): Promise<string | undefined> {
  if (node instanceof JobNode && node.job !== undefined) return node.job.type;
  const queue =
    node instanceof QueueNode
      ? node.name
      : node instanceof JobGroupNode
        ? node.parent.name
        : undefined;
  const types = (context.data.store.agent?.jobTypes ?? []).filter((type) => type.queue === queue);
  const only = types.length === 1 ? types[0]?.name : undefined;
  return only ?? pickJobType(context, vscode.l10n.t('Explain Skip'), queue);
}
