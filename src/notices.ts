import * as vscode from 'vscode';
import type { AgentService } from './connection/agentService.ts';
import type { Problem } from './connection/problem.ts';
import { COMMANDS } from './contributions.ts';

/** Notifications that nobody asked for: only when a person must act, and once for each cause. */
export class Notices {
  private toldConfigTrouble: string | null = null;

  constructor(
    private readonly agent: AgentService,
    private readonly showLog: () => void,
  ) {}

  onPhase(): void {
    if (this.agent.phase.kind === 'failed') void this.tellProblem(this.agent.phase.problem);
  }

  /** The agent keeps the config it has while the one on disk is wrong. */
  onAgentRow(): void {
    const trouble = this.agent.store.agent?.configTrouble ?? null;
    if (trouble === this.toldConfigTrouble) return;
    this.toldConfigTrouble = trouble;
    if (trouble !== null) void this.tellConfigTrouble(trouble);
  }

  async offerRestart(before: () => void): Promise<void> {
    const restart = vscode.l10n.t('Restart Agent');
    const chosen = await vscode.window.showInformationMessage(
      vscode.l10n.t('The agent takes this setting when it starts.'),
      restart,
    );
    if (chosen !== restart) return;
    before();
    this.agent.dispatch({ type: 'restartRequested' });
  }

  private async tellProblem(problem: Problem): Promise<void> {
    const retry = vscode.l10n.t('Retry');
    const openConfig = vscode.l10n.t('Open Config');
    const log = vscode.l10n.t('Show Log');
    const first = problem.kind === 'badConfig' ? openConfig : retry;
    const chosen = await vscode.window.showErrorMessage(sentences(problem), first, log);
    if (chosen === retry) await vscode.commands.executeCommand(COMMANDS.agentStart);
    if (chosen === openConfig) await vscode.commands.executeCommand(COMMANDS.configOpen);
    if (chosen === log) this.showLog();
  }

  private async tellConfigTrouble(trouble: string): Promise<void> {
    const openConfig = vscode.l10n.t('Open Config');
    const chosen = await vscode.window.showWarningMessage(
      vscode.l10n.t('Interlock keeps its present config. {0}', trouble),
      openConfig,
    );
    if (chosen === openConfig) await vscode.commands.executeCommand(COMMANDS.configOpen);
  }
}

function sentences({ message, remedy }: Problem): string {
  return remedy === undefined ? message : `${message} ${remedy}`;
}
