import * as vscode from 'vscode';
import { assertNever } from '../../agent/common/assertNever.ts';
import {
  notifications,
  requests,
  simulateDuplicatesParams,
  type SimulateDuplicatesResult,
} from '../../agent/protocol/api.ts';
import type { ParamsOf } from '../../agent/protocol/define.ts';
import { COMMANDS } from '../contributions.ts';
import { formatCount } from '../present/age.ts';
import { simulationDocument } from '../present/simulationText.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { pickJobType } from './enqueueJob.ts';
import { pickOne } from './quickPick.ts';

type Progress = ParamsOf<typeof notifications.simulateProgress>;

export function simulateCommands(
  context: CommandContext,
): Pick<CommandHandlers, typeof COMMANDS.simulateDuplicates> {
  return {
    [COMMANDS.simulateDuplicates]: async (about) => {
      const title = vscode.l10n.t('Simulate Duplicate Enqueues');
      // A lens names its type.
      const named = typeof about === 'string' ? about : undefined;
      const jobType = named ?? (await pickJobType(context, title));
      if (jobType === undefined) return;
      const naive = await pickOne(title, modes());
      if (naive === undefined) return;
      const result = await simulate(context, jobType, naive);
      const path = `/simulation/${jobType} ${naive ? 'naive' : 'protected'}.md`;
      await context.documents.show(path, simulationDocument(result, context.data.t));
    },
  };
}

function modes(): { label: string; description: string; value: boolean }[] {
  return [
    {
      label: vscode.l10n.t('Protected'),
      description: vscode.l10n.t('processes race for one key; one run is expected'),
      value: false,
    },
    {
      label: vscode.l10n.t('Naive'),
      description: vscode.l10n.t('the same race without protection, on a key space of its own'),
      value: true,
    },
  ];
}

function simulate(
  context: CommandContext,
  jobType: string,
  naive: boolean,
): Thenable<SimulateDuplicatesResult> {
  const { client } = context.agent;
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: vscode.l10n.t('Racing {0}', jobType),
  };
  return vscode.window.withProgress(options, async (progress) => {
    let shown = 0;
    const listening = client.onNotification(notifications.simulateProgress, (step) => {
      const percent = step.attempts === 0 ? 0 : (100 * step.answered) / step.attempts;
      progress.report({ message: progressMessage(step), increment: Math.max(0, percent - shown) });
      shown = Math.max(shown, percent);
    });
    try {
      const params = simulateDuplicatesParams.parse({ jobType, naive });
      return await client.request(requests.simulateDuplicates, params);
    } finally {
      listening.dispose();
    }
  });
}

function progressMessage({ phase, answered, attempts }: Progress): string {
  switch (phase) {
    case 'starting':
      return vscode.l10n.t('starting processes');
    case 'racing':
      return vscode.l10n.t('{0} of {1} answered', formatCount(answered), formatCount(attempts));
    case 'running':
      return vscode.l10n.t('waiting for the runs to end');
    case 'done':
      return vscode.l10n.t('done');
    default:
      return assertNever(phase);
  }
}
