import * as vscode from 'vscode';
import { requests } from '../../agent/protocol/api.ts';
import { COMMANDS } from '../contributions.ts';
import { sortedByName } from '../model/selectors.ts';
import { describeSchedule } from '../present/scheduleText.ts';
import { ScheduleNode } from '../views/nodes/scheduleNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { nodesOf, pickOne } from './quickPick.ts';
import { tellDecision } from './tell.ts';

export function scheduleCommands(
  context: CommandContext,
): Pick<CommandHandlers, typeof COMMANDS.scheduleRun> {
  return {
    [COMMANDS.scheduleRun]: async (node, selection) => {
      for (const name of await chosenSchedules(context, node, selection)) {
        const decision = await context.agent.client.request(requests.runSchedule, { name });
        await tellDecision(context, decision);
      }
    },
  };
}

async function chosenSchedules(
  context: CommandContext,
  node: unknown,
  selection: readonly unknown[],
): Promise<string[]> {
  const nodes = nodesOf(ScheduleNode, node, selection);
  if (nodes.length > 0) return nodes.map(({ name }) => name);
  const { store, time, t } = context.data;
  const choices = sortedByName(store.rows('schedules')).map((schedule) => ({
    label: schedule.name,
    description: describeSchedule(schedule, time.now(), t),
    value: schedule.name,
  }));
  const name = await pickOne(vscode.l10n.t('Run Schedule Now'), choices);
  return name === undefined ? [] : [name];
}
