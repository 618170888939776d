import * as vscode from 'vscode';
import { formatDuration, parseDurationMs } from '../../agent/common/duration.ts';
import { requests } from '../../agent/protocol/api.ts';
import type { RunRow } from '../../agent/protocol/model.ts';
import { COMMANDS } from '../contributions.ts';
import { runsDocument, runStatusName } from '../present/runText.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { pickOne, type Choice } from './quickPick.ts';

interface Asked {
  status?: RunRow['status'];
  runningLongerThanMs?: number;
}

const LIMIT = 500;
const STATUSES: readonly RunRow['status'][] = ['running', 'failed', 'lost', 'skipped', 'completed'];

export function historyCommands(
  context: CommandContext,
): Pick<CommandHandlers, typeof COMMANDS.runsHistory> {
  return {
    [COMMANDS.runsHistory]: async () => {
      const { time, t } = context.data;
      const asked = await pickOne(vscode.l10n.t('Run History'), choices(context));
      const filter = asked === 'longer' ? await askLonger() : asked;
      if (filter === undefined) return;
      const found = await context.agent.client.request(requests.history, {
        ...filter,
        limit: LIMIT,
      });
      const text = runsDocument(found, describe(filter, context), time.now(), t);
      await context.documents.show(`/runs/${fileName(filter)}.md`, text);
    },
  };
}

function choices(context: CommandContext): Choice<Asked | 'longer'>[] {
  return [
    { label: vscode.l10n.t('All runs'), value: {} },
    { label: vscode.l10n.t('Running longer than…'), value: 'longer' },
    ...STATUSES.map((status) => ({
      label: runStatusName(status, context.data.t),
      value: { status },
    })),
  ];
}

async function askLonger(): Promise<Asked | undefined> {
  const text = await vscode.window.showInputBox({
    title: vscode.l10n.t('Running longer than…'),
    prompt: vscode.l10n.t('A duration such as 30s, 10m or 1h'),
    value: '10m',
    validateInput: (given) =>
      parseDurationMs(given) === undefined
        ? vscode.l10n.t('A duration such as 30s, 10m or 1h')
        : undefined,
  });
  const runningLongerThanMs = text === undefined ? undefined : parseDurationMs(text);
  return runningLongerThanMs === undefined ? undefined : { runningLongerThanMs };
}

function describe({ status, runningLongerThanMs }: Asked, context: CommandContext): string {
  if (runningLongerThanMs !== undefined)
    return vscode.l10n.t('running longer than {0}', formatDuration(runningLongerThanMs));
  return status === undefined ? vscode.l10n.t('all') : runStatusName(status, context.data.t);
}

function fileName({ status, runningLongerThanMs }: Asked): string {
  if (runningLongerThanMs !== undefined)
    return `longer than ${formatDuration(runningLongerThanMs)}`;
  return status ?? 'all';
}
