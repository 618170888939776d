import * as vscode from 'vscode';
import * as z from 'zod';
import type { DebugEnd, DebugRow } from '../../agent/protocol/debug.ts';
import { SETTINGS, SETTINGS_SECTION } from '../contributions.ts';

const onStop = z.enum(['ask', 'giveBack', 'fail', 'goOn']).catch('ask');

const ENDS = { giveBack: 'give_back', fail: 'fail', goOn: 'go_on' } as const;

/** What becomes of a run whose debugger was stopped: as the setting says, or as the person says now. */
export async function chooseEnd(
  row: DebugRow,
  folder: vscode.WorkspaceFolder | undefined,
): Promise<DebugEnd> {
  const section = vscode.workspace.getConfiguration(SETTINGS_SECTION, folder?.uri);
  const wanted = onStop.parse(section.get(SETTINGS.debugOnStop));
  if (wanted !== 'ask') return ENDS[wanted];
  const chosen = await ask(row);
  // Closed without an answer: nothing is lost by going on.
  if (chosen === undefined) return 'go_on';
  if (chosen.remember) await section.update(SETTINGS.debugOnStop, chosen.end);
  return ENDS[chosen.end];
}

interface EndItem extends vscode.QuickPickItem {
  end: keyof typeof ENDS;
}

function ask(row: DebugRow): Promise<{ end: keyof typeof ENDS; remember: boolean } | undefined> {
  const t = vscode.l10n.t;
  const remember: vscode.QuickInputButton = {
    iconPath: new vscode.ThemeIcon('save'),
    tooltip: t('Always do this'),
  };
  const items: EndItem[] = [
    {
      ...{ end: 'giveBack', label: t('Give the Job Back'), buttons: [remember] },
      detail: t('Its handler is ended. It waits in its queue again, and has used up no attempt.'),
    },
    {
      ...{ end: 'fail', label: t('Fail It'), buttons: [remember] },
      detail: t('Its handler is ended. The attempt counts as failed.'),
    },
    {
      ...{ end: 'goOn', label: t('Let It Go On'), buttons: [remember] },
      detail: t('It runs to its end without a debugger.'),
    },
  ];
  const pick = vscode.window.createQuickPick<EndItem>();
  pick.title = t('What becomes of {0} {1}?', row.type, row.job?.id ?? '');
  pick.placeholder = t('The debugger was stopped; the run stands still and keeps its lock');
  pick.ignoreFocusOut = true;
  pick.items = items;
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      const [item] = pick.selectedItems;
      resolve(item === undefined ? undefined : { end: item.end, remember: false });
      pick.dispose();
    });
    pick.onDidTriggerItemButton(({ item }) => {
      resolve({ end: item.end, remember: true });
      pick.dispose();
    });
    pick.onDidHide(() => {
      resolve(undefined);
      pick.dispose();
    });
    pick.show();
  });
}
