import * as vscode from 'vscode';
import * as z from 'zod';
import { messageOf } from '../../agent/common/errors.ts';
import { requests } from '../../agent/protocol/api.ts';
import type { DebugRow } from '../../agent/protocol/debug.ts';
import type { AgentService } from '../connection/agentService.ts';
import { COMMANDS, DEBUG_TYPE } from '../contributions.ts';
import { DisposableStore, type Disposable } from '../disposable.ts';
import type { DebugSessions } from './debugSessions.ts';

const launch = z.object({
  jobType: z.string().optional(),
  payload: z.json().optional(),
  jobId: z.string().optional(),
  queue: z.string().optional(),
});

/**
 * F5 for jobs: a `launch.json` of type `interlock` names a job type, with a payload for a new job or
 * without one for the next run, or a job.
 */
export class LaunchProvider implements vscode.DebugConfigurationProvider, Disposable {
  private readonly disposables = new DisposableStore();

  constructor(
    private readonly agent: AgentService,
    private readonly sessions: DebugSessions,
  ) {
    const { Initial, Dynamic } = vscode.DebugConfigurationProviderTriggerKind;
    for (const trigger of [Initial, Dynamic]) {
      this.disposables.add(
        vscode.debug.registerDebugConfigurationProvider(DEBUG_TYPE, this, trigger),
      );
    }
  }

  /** One for each job type that the agent knows. */
  provideDebugConfigurations(): vscode.DebugConfiguration[] {
    const types = this.agent.store.agent?.jobTypes ?? [];
    return types.map(({ name }) => ({
      ...{ type: DEBUG_TYPE, request: 'launch', name: vscode.l10n.t('Next run of {0}', name) },
      jobType: name,
    }));
  }

  /** Starts the run; the debugger attaches to it in a session of its own. */
  async resolveDebugConfiguration(
    _folder: vscode.WorkspaceFolder | undefined,
    configuration: vscode.DebugConfiguration,
  ): Promise<undefined> {
    try {
      await this.start(launch.parse(configuration));
    } catch (error) {
      void vscode.window.showErrorMessage(messageOf(error));
    }
    return undefined;
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private async start({ jobType, payload, jobId, queue }: z.infer<typeof launch>): Promise<void> {
    const { client } = this.agent;
    let row: DebugRow;
    if (jobId !== undefined) {
      const ref = { id: jobId, ...(queue === undefined ? {} : { queue }) };
      row = await client.request(requests.debugJob, ref);
    } else if (jobType !== undefined && payload !== undefined) {
      row = await client.request(requests.debugNew, { type: jobType, data: payload });
    } else {
      await vscode.commands.executeCommand(COMMANDS.debugNext, jobType);
      return;
    }
    this.sessions.expect(row);
  }
}
