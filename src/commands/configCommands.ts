import * as vscode from 'vscode';
import { InterlockError } from '../../agent/common/errors.ts';
import { COMMANDS } from '../contributions.ts';
import { CONFIG_FILE, configUri, hasConfig } from '../workspace.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { openRule } from './openRule.ts';
import { STARTER_CONFIG, STARTER_HANDLER, STARTER_HANDLER_PATH } from './starterFiles.ts';

type ConfigCommand =
  typeof COMMANDS.configOpen | typeof COMMANDS.configCreate | typeof COMMANDS.configOpenRule;

export function configCommands(context: CommandContext): Pick<CommandHandlers, ConfigCommand> {
  return {
    [COMMANDS.configOpen]: async () => {
      const folder = requireFolder(context);
      if (hasConfig(folder)) await vscode.window.showTextDocument(configUri(folder));
      else await createAfterAsking(folder);
    },
    [COMMANDS.configCreate]: async () => {
      const folder = requireFolder(context);
      if (hasConfig(folder)) await vscode.window.showTextDocument(configUri(folder));
      else await createAfterAsking(folder);
    },
    [COMMANDS.configOpenRule]: (about) => openRule(context, requireFolder(context), about),
  };
}

function requireFolder(context: CommandContext): vscode.WorkspaceFolder {
  const folder = context.folder();
  if (folder !== undefined) return folder;
  throw new InterlockError({
    code: 'bad_usage',
    message: vscode.l10n.t('No folder is open.'),
    remedy: vscode.l10n.t('Open a folder first.'),
  });
}

async function createAfterAsking(folder: vscode.WorkspaceFolder): Promise<void> {
  const create = vscode.l10n.t('Create');
  const chosen = await vscode.window.showInformationMessage(
    vscode.l10n.t('Create {0} in {1}?', CONFIG_FILE, folder.name),
    {
      modal: true,
      detail: vscode.l10n.t(
        'It declares one example job, {0}, and a schedule that runs it each minute. No other file is changed.',
        STARTER_HANDLER_PATH,
      ),
    },
    create,
  );
  if (chosen !== create) return;
  // The handler first: the config is what the agent starts with.
  await writeNew(vscode.Uri.joinPath(folder.uri, STARTER_HANDLER_PATH), STARTER_HANDLER);
  await writeNew(configUri(folder), STARTER_CONFIG);
  await vscode.window.showTextDocument(configUri(folder));
}

/** Leaves a file that exists as it is. */
async function writeNew(uri: vscode.Uri, text: string): Promise<void> {
  try {
    await vscode.workspace.fs.stat(uri);
  } catch {
    await vscode.workspace.fs.writeFile(uri, new TextEncoder().encode(text));
  }
}
