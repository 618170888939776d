import * as vscode from 'vscode';
import { requests } from '../../agent/protocol/api.ts';
import { COMMANDS } from '../contributions.ts';
import { sortedByName } from '../model/selectors.ts';
import { describeQueue } from '../present/jobText.ts';
import { QueueNode } from '../views/nodes/queueNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { nodesOf, pickOne } from './quickPick.ts';

type QueueCommand = typeof COMMANDS.queuePause | typeof COMMANDS.queueResume;

export function queueCommands(context: CommandContext): Pick<CommandHandlers, QueueCommand> {
  return {
    [COMMANDS.queuePause]: async (node, selection) => {
      const title = vscode.l10n.t('Pause Queue');
      for (const queue of await chosenQueues(context, title, 'open', node, selection)) {
        await context.agent.client.request(requests.pauseQueue, { queue });
      }
    },
    [COMMANDS.queueResume]: async (node, selection) => {
      const title = vscode.l10n.t('Resume Queue');
      for (const queue of await chosenQueues(context, title, 'paused', node, selection)) {
        await context.agent.client.request(requests.resumeQueue, { queue });
      }
    },
  };
}

async function chosenQueues(
  context: CommandContext,
  title: string,
  now: 'open' | 'paused',
  node: unknown,
  selection: readonly unknown[],
): Promise<string[]> {
  const nodes = nodesOf(QueueNode, node, selection);
  if (nodes.length > 0) return nodes.map(({ name }) => name);
  const queues = sortedByName(context.data.store.rows('queues')).filter(
    ({ paused }) => paused === (now === 'paused'),
  );
  if (queues.length === 0) {
    const nothing =
      now === 'open' ? vscode.l10n.t('No queue is open.') : vscode.l10n.t('No queue is paused.');
    void vscode.window.showInformationMessage(nothing);
    return [];
  }
  const choices = queues.map((queue) => ({
    label: queue.name,
    description: describeQueue(queue, context.data.t),
    value: queue.name,
  }));
  const name = await pickOne(title, choices);
  return name === undefined ? [] : [name];
}
