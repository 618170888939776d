import * as vscode from 'vscode';
import { COMMANDS } from '../contributions.ts';
import { AgentLog } from '../documents/agentLog.ts';
import { scoped } from '../logging.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';

type AgentCommand =
  | typeof COMMANDS.agentStart
  | typeof COMMANDS.agentStop
  | typeof COMMANDS.agentRestart
  | typeof COMMANDS.logShow;

export function agentCommands(context: CommandContext): Pick<CommandHandlers, AgentCommand> {
  const { agent } = context;
  const agentLog = context.resources.add(new AgentLog(scoped(context.log, 'agent log')));
  return {
    [COMMANDS.agentStart]: async () => {
      if (!vscode.workspace.isTrusted) return tellUntrusted();
      if (agent.phase.kind !== 'connected') agent.dispatch({ type: 'startRequested' });
      else if (agent.store.agent?.redis.state === 'unreachable')
        agent.dispatch({ type: 'restartRequested' });
      else
        void vscode.window.showInformationMessage(vscode.l10n.t('The agent is already running.'));
    },
    [COMMANDS.agentStop]: () => {
      agent.dispatch({ type: 'stopRequested' });
      return Promise.resolve();
    },
    [COMMANDS.agentRestart]: async () => {
      if (!vscode.workspace.isTrusted) return tellUntrusted();
      agent.dispatch({ type: 'restartRequested' });
    },
    [COMMANDS.logShow]: async () => {
      context.showLog();
      if (agent.target !== undefined) await agentLog.follow(agent.target.stateFolder);
    },
  };
}

async function tellUntrusted(): Promise<void> {
  const manage = vscode.l10n.t('Manage Workspace Trust');
  const chosen = await vscode.window.showWarningMessage(
    vscode.l10n.t('This workspace is not trusted, so Interlock starts no programs in it.'),
    manage,
  );
  if (chosen === manage) await vscode.commands.executeCommand('workbench.trust.manage');
}
