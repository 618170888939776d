import * as vscode from 'vscode';
import { InterlockError, messageOf } from '../../agent/common/errors.ts';
import { COMMAND_IDS, COMMANDS, type CommandId } from '../contributions.ts';
import { DisposableStore, type Disposable } from '../disposable.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';

/**
 * Registers every command while the window opens; their code is loaded when the first one is
 * called. What a command throws is told to the person here, and nowhere else.
 */
export function registerCommands(context: CommandContext): Disposable {
  const registrations = new DisposableStore();
  let handlers: Promise<CommandHandlers> | undefined;
  const load = () =>
    (handlers ??= import('./commandHandlers.ts').then((module) => module.commandHandlers(context)));
  for (const id of COMMAND_IDS) {
    const run = async (node: unknown, selection: unknown) => {
      try {
        const handler = (await load())[id];
        await handler(node, Array.isArray(selection) ? selection : []);
      } catch (error) {
        await tellFailure(context, id, error);
      }
    };
    registrations.add(vscode.commands.registerCommand(id, run));
  }
  return registrations;
}

async function tellFailure(context: CommandContext, id: CommandId, error: unknown): Promise<void> {
  context.log.error(`${id}: ${messageOf(error)}`);
  const start = vscode.l10n.t('Start Agent');
  const showLog = vscode.l10n.t('Show Log');
  const noAgent = error instanceof InterlockError && error.code === 'no_agent';
  const actions = noAgent ? [start, showLog] : [showLog];
  const chosen = await vscode.window.showErrorMessage(sentences(error), ...actions);
  if (chosen === start) await vscode.commands.executeCommand(COMMANDS.agentStart);
  if (chosen === showLog) context.showLog();
}

function sentences(error: unknown): string {
  const remedy = error instanceof InterlockError ? error.remedy : undefined;
  return remedy === undefined ? messageOf(error) : `${messageOf(error)} ${remedy}`;
}
