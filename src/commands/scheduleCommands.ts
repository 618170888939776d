import * as vscode from 'vscode';
import { requests } from '../../agent/protocol/api.ts';
import type { ScheduleRow } from '../../agent/protocol/model.ts';
import { COMMANDS } from '../contributions.ts';
import { sortedByName } from '../model/selectors.ts';
import { describeSchedule } from '../present/scheduleText.ts';
import { ScheduleNode } from '../views/nodes/scheduleNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { nodesOf, pickOne } from './quickPick.ts';
import { tellDecision } from './tell.ts';

type ScheduleCommand =
  | typeof COMMANDS.scheduleRun
  | typeof COMMANDS.schedulePause
  | typeof COMMANDS.scheduleResume
  | typeof COMMANDS.scheduleSkip;

type ScheduleRequest =
  | typeof requests.runSchedule
  | typeof requests.pauseSchedule
  | typeof requests.resumeSchedule
  | typeof requests.skipSlot;

/** What the palette asks for; from a row nothing has to be asked. */
interface Question {
  title: string;
  fits: (schedule: ScheduleRow) => boolean;
  /** Said when no schedule fits. */
  nothing: string;
}

export function scheduleCommands(context: CommandContext): Pick<CommandHandlers, ScheduleCommand> {
  const handler = (request: ScheduleRequest, question: () => Question) => {
    return async (node: unknown, selection: readonly unknown[]) => {
      for (const name of await chosenSchedules(context, question(), node, selection)) {
        await tellDecision(context, await context.agent.client.request(request, { name }));
      }
    };
  };
  return {
    [COMMANDS.scheduleRun]: handler(requests.runSchedule, () => ({
      title: vscode.l10n.t('Run Schedule Now'),
      fits: () => true,
      nothing: vscode.l10n.t('No schedule is declared.'),
    })),
    [COMMANDS.schedulePause]: handler(requests.pauseSchedule, () => ({
      title: vscode.l10n.t('Pause Schedule'),
      fits: ({ pausedAt }) => pausedAt === null,
      nothing: vscode.l10n.t('No schedule is open.'),
    })),
    [COMMANDS.scheduleResume]: handler(requests.resumeSchedule, () => ({
      title: vscode.l10n.t('Resume Schedule'),
      fits: ({ pausedAt }) => pausedAt !== null,
      nothing: vscode.l10n.t('No schedule is paused.'),
    })),
    [COMMANDS.scheduleSkip]: handler(requests.skipSlot, () => ({
      title: vscode.l10n.t('Skip Next Slot'),
      fits: ({ pausedAt }) => pausedAt === null,
      nothing: vscode.l10n.t('No schedule is open.'),
    })),
  };
}

async function chosenSchedules(
  context: CommandContext,
  { title, fits, nothing }: Question,
  node: unknown,
  selection: readonly unknown[],
): Promise<string[]> {
  const nodes = nodesOf(ScheduleNode, node, selection);
  if (nodes.length > 0) return nodes.map(({ name }) => name);
  const { store, time, t } = context.data;
  const schedules = sortedByName(store.rows('schedules')).filter(
    (schedule) => schedule.outside === undefined && fits(schedule),
  );
  if (schedules.length === 0) {
    void vscode.window.showInformationMessage(nothing);
    return [];
  }
  const choices = schedules.map((schedule) => ({
    label: schedule.name,
    description: describeSchedule(schedule, time.now(), t),
    value: schedule.name,
  }));
  const name = await pickOne(title, choices);
  return name === undefined ? [] : [name];
}
