import * as vscode from 'vscode';
import * as z from 'zod';
import { requests } from '../../agent/protocol/api.ts';
import type { JobRow } from '../../agent/protocol/model.ts';
import type { AgentService } from '../connection/agentService.ts';
import { COMMANDS } from '../contributions.ts';
import { JobNode } from '../views/nodes/jobNode.ts';
import type { CommandContext, CommandHandlers } from './commandContext.ts';
import { askPayload, pickJobType } from './enqueueJob.ts';
import { chooseJob, jobNodes } from './jobPicks.ts';
import { jobRefOf } from './revealJob.ts';

type DebugCommand =
  | typeof COMMANDS.jobDebug
  | typeof COMMANDS.debugNext
  | typeof COMMANDS.debugNew
  | typeof COMMANDS.jobRerunEdited
  | typeof COMMANDS.payloadRun
  | typeof COMMANDS.payloadDebug
  | typeof COMMANDS.payloadCompare;

const DEBUGGABLE = ['waiting', 'prioritized', 'delayed', 'failed', 'completed'] as const;

export function debugCommands(context: CommandContext): Pick<CommandHandlers, DebugCommand> {
  const { sessions, payloads } = context;
  const ask = () => context.agent.client;
  return {
    [COMMANDS.jobDebug]: async (node, selection) => {
      const job = await oneJob(context, vscode.l10n.t('Debug Job'), node, selection);
      if (job === undefined) return;
      const { id, queue } = job;
      sessions.expect(await ask().request(requests.debugJob, { id, queue }));
    },
    [COMMANDS.debugNext]: async (node) => {
      const type = typeOf(node) ?? (await pickJobType(context, vscode.l10n.t('Debug Next Run')));
      if (type !== undefined) await waitForNext(context, type);
    },
    [COMMANDS.debugNew]: async (node) => {
      const type = typeOf(node) ?? (await pickJobType(context, vscode.l10n.t('Debug Handler')));
      if (type === undefined) return;
      const data = await askPayload(vscode.l10n.t('Debug {0}', type));
      if (data === undefined) return;
      sessions.expect(await ask().request(requests.debugNew, { type, data }));
    },
    [COMMANDS.jobRerunEdited]: async (node, selection) => {
      const title = vscode.l10n.t('Rerun with Edited Payload');
      const job = await oneJob(context, title, node, selection);
      if (job === undefined) return;
      const { id, queue } = job;
      await payloads.open(await ask().request(requests.job, { id, queue }));
    },
    [COMMANDS.payloadRun]: (uri) => payloads.save(documentUri(uri), 'run'),
    [COMMANDS.payloadDebug]: (uri) => payloads.save(documentUri(uri), 'debug'),
    [COMMANDS.payloadCompare]: (uri) => payloads.compare(documentUri(uri)),
  };
}

/** The next run may be long in coming: it can be given up. */
async function waitForNext({ agent, sessions }: CommandContext, type: string): Promise<void> {
  const row = await agent.client.request(requests.debugNext, { type });
  sessions.expect(row);
  const options = {
    location: vscode.ProgressLocation.Notification,
    title: vscode.l10n.t('Waiting for the next job of {0} to debug it', type),
    cancellable: true,
  };
  await vscode.window.withProgress(options, async (_progress, token) => {
    await whileArmed(agent, row.id, token);
    if (token.isCancellationRequested)
      await agent.client.request(requests.endDebug, { id: row.id, how: 'go_on' });
  });
}

/** Settles when its job has come, or nobody waits for one any more. */
function whileArmed(
  agent: AgentService,
  id: string,
  token: vscode.CancellationToken,
): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      for (const listener of listeners) listener.dispose();
      resolve();
    };
    const listeners = [
      token.onCancellationRequested(done),
      agent.onDidChangeRows(({ debugs }) => {
        const change = debugs.get(id);
        if (change !== undefined && change.after?.state !== 'armed') done();
      }),
    ];
  });
}

async function oneJob(
  context: CommandContext,
  title: string,
  node: unknown,
  selection: readonly unknown[],
): Promise<Pick<JobRow, 'id' | 'queue'> | undefined> {
  return (
    jobRefOf(context, node) ??
    jobNodes(node, selection)[0] ??
    (await chooseJob(context, title, DEBUGGABLE))
  );
}

/** A lens names its document; from the palette it is the one that is open. */
function documentUri(about: unknown): vscode.Uri {
  const uri = about instanceof vscode.Uri ? about : vscode.window.activeTextEditor?.document.uri;
  if (uri !== undefined) return uri;
  throw new Error(
    vscode.l10n.t('No payload is open: choose "Rerun with Edited Payload" on a job.'),
  );
}

/** A lens names a type; a row of a job has one. */
function typeOf(node: unknown): string | undefined {
  return node instanceof JobNode ? node.job?.type : z.string().safeParse(node).data;
}
