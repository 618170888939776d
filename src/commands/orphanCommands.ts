import * as vscode from 'vscode';
import { requests, type Orphan } from '../../agent/protocol/api.ts';
import { COMMANDS } from '../contributions.ts';
import { orphanKindName } from '../present/orphanText.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';

interface OrphanItem extends vscode.QuickPickItem {
  remove?: true;
}

/** Looks first and removes nothing; then shows what was found, and asks. */
export function orphanCommands(
  context: CommandContext,
): Pick<CommandHandlers, typeof COMMANDS.orphansFind> {
  return {
    [COMMANDS.orphansFind]: async () => {
      const found = await reap(context, vscode.l10n.t('Looking for orphans'), true);
      if (found.length === 0) {
        void vscode.window.showInformationMessage(
          vscode.l10n.t(
            'No orphan was found: everything in Redis belongs to something that lives.',
          ),
        );
        return;
      }
      if (!(await wantsRemoval(context, found))) return;
      tellRemoved(await reap(context, vscode.l10n.t('Removing orphans'), false));
    },
  };
}

function reap(context: CommandContext, title: string, dryRun: boolean): Thenable<Orphan[]> {
  const { client } = context.agent;
  const options = { location: vscode.ProgressLocation.Notification, title };
  return vscode.window.withProgress(options, () => client.request(requests.reap, { dryRun }));
}

async function wantsRemoval(context: CommandContext, found: readonly Orphan[]): Promise<boolean> {
  const { t } = context.data;
  const items: OrphanItem[] = [
    { label: `$(trash) ${vscode.l10n.t('Remove all {0}…', found.length)}`, remove: true },
    { label: vscode.l10n.t('Found'), kind: vscode.QuickPickItemKind.Separator },
    ...found.map(({ kind, subject, why, name }) => ({
      label: subject,
      description: `${orphanKindName(kind, t)} · ${name}`,
      detail: why,
    })),
  ];
  const chosen = await vscode.window.showQuickPick(items, {
    title: vscode.l10n.t('Orphans: {0}', found.length),
    placeHolder: vscode.l10n.t('They belong to nobody any more. Nothing was removed yet.'),
    matchOnDescription: true,
    matchOnDetail: true,
    ignoreFocusOut: true,
  });
  if (chosen?.remove !== true) return false;
  const remove = vscode.l10n.t('Remove');
  const detail = vscode.l10n.t('Each is checked again right before. What lives is not touched.');
  const question = vscode.l10n.t('Remove {0} orphans?', found.length);
  const answer = await vscode.window.showWarningMessage(question, { modal: true, detail }, remove);
  return answer === remove;
}

function tellRemoved(orphans: readonly Orphan[]): void {
  const removed = orphans.filter((orphan) => orphan.removed).length;
  const kept = orphans.length - removed;
  const sentence = vscode.l10n.t('Removed orphans: {0}.', removed);
  const rest = kept === 0 ? '' : ` ${vscode.l10n.t('Alive again, and kept: {0}.', kept)}`;
  void vscode.window.showInformationMessage(`${sentence}${rest}`);
}
