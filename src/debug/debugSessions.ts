import * as path from 'node:path';
import * as vscode from 'vscode';
import * as z from 'zod';
import type { Clock } from '../../agent/common/clock.ts';
import { messageOf } from '../../agent/common/errors.ts';
import { requests } from '../../agent/protocol/api.ts';
import type { DebugRow } from '../../agent/protocol/debug.ts';
import type { AgentService } from '../connection/agentService.ts';
import { DisposableStore, type Disposable } from '../disposable.ts';
import type { Logger } from '../logging.ts';
import { attachConfiguration, RUN_KEY } from './attachConfiguration.ts';
import { chooseEnd } from './chooseEnd.ts';

/** What js-debug calls its sessions; the second one is a child of the first. */
const DEBUG_TYPES = ['node', 'pwa-node'];

const stoppedEvent = z.object({
  type: z.literal('event'),
  event: z.literal('stopped'),
  body: z.object({ threadId: z.number() }),
});
const topFrame = z.object({
  stackFrames: z
    .array(z.object({ line: z.number(), source: z.object({ path: z.string() }).optional() }))
    .min(1),
});

/** A session whose run has ended goes by itself; one that does not is ended. */
const SESSION_GOES_WITHIN_MS = 2_000;

/** Over: nothing is to be asked about it. */
const OVER: readonly DebugRow['state'][] = ['ended', 'ready', 'armed'];

export interface DebugSessionsOptions {
  agent: AgentService;
  log: Logger;
  clock: Clock;
  folder: () => vscode.WorkspaceFolder | undefined;
  /** Where the agent's programs lie. */
  programFolder: string;
}

/** Attaches the editor's debugger to the runs that this window debugs, and tells the agent of it. */
export class DebugSessions implements Disposable {
  private readonly disposables = new DisposableStore();
  /** Ids of the runs that this window asked for, and has not attached to yet. */
  private readonly expected = new Set<string>();
  private readonly running = new Set<vscode.DebugSession>();

  constructor(private readonly options: DebugSessionsOptions) {
    const { agent } = options;
    const { debug } = vscode;
    this.disposables.add(
      agent.onDidChangeRows(({ debugs }) => {
        for (const [id, { after }] of debugs)
          if (after === undefined) this.endSoon(id);
          else this.onRow(after);
      }),
    );
    this.disposables.add(
      debug.onDidStartDebugSession((session) => {
        if (runOf(session) !== undefined) this.running.add(session);
      }),
    );
    this.disposables.add(debug.onDidTerminateDebugSession((session) => this.onEnd(session)));
    for (const type of DEBUG_TYPES) {
      this.disposables.add(
        debug.registerDebugAdapterTrackerFactory(type, {
          createDebugAdapterTracker: (session) => this.track(session),
        }),
      );
    }
  }

  /** Attaches as soon as the run is there. */
  expect(row: DebugRow): void {
    this.expected.add(row.id);
    const now = this.options.agent.store.rows('debugs').get(row.id);
    this.onRow(now ?? row);
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private onRow(row: DebugRow): void {
    if (row.state === 'ended') {
      this.expected.delete(row.id);
      this.endSoon(row.id);
    }
    if (row.state !== 'ready' || !this.expected.delete(row.id)) return;
    void this.attach(row).catch((error: unknown) => {
      this.options.log.error(messageOf(error));
      void vscode.window.showErrorMessage(messageOf(error));
    });
  }

  private endSoon(id: string): void {
    this.options.clock.setTimeout(() => this.endSessionsOf(id), SESSION_GOES_WITHIN_MS);
  }

  /** The editor gives js-debug two seconds for it, and then lets go of the session itself. */
  private endSessionsOf(id: string): void {
    for (const session of this.running)
      if (runOf(session) === id) void vscode.debug.stopDebugging(session);
  }

  private async attach(row: DebugRow): Promise<void> {
    const { agent, folder, programFolder } = this.options;
    const workspace = folder();
    const { url } = await agent.client.request(requests.attachDebugger, { id: row.id });
    const places = { folder: workspace?.uri.fsPath ?? path.dirname(row.file), programFolder };
    const configuration = attachConfiguration(row, url, places);
    const started = await vscode.debug.startDebugging(workspace, configuration);
    if (started) return;
    await agent.client.request(requests.endDebug, { id: row.id, how: 'give_back' });
    throw new Error(vscode.l10n.t('The debugger could not be attached; the job was given back.'));
  }

  /** The agent knows the line of the code that runs; the editor knows the line that was written. */
  private track(session: vscode.DebugSession): vscode.DebugAdapterTracker | undefined {
    const id = runOf(session);
    if (id === undefined) return undefined;
    return {
      onDidSendMessage: (message: unknown) => {
        const stopped = stoppedEvent.safeParse(message);
        if (stopped.success) void this.tellPlace(id, session, stopped.data.body.threadId);
      },
    };
  }

  private async tellPlace(
    id: string,
    session: vscode.DebugSession,
    threadId: number,
  ): Promise<void> {
    try {
      const asked = { threadId, startFrame: 0, levels: 1 };
      const answer: unknown = await session.customRequest('stackTrace', asked);
      const [frame] = topFrame.parse(answer).stackFrames;
      if (frame?.source === undefined) return;
      const at = `${pathOf(frame.source.path)}:${frame.line}`;
      await this.options.agent.client.request(requests.debugPlace, { id, at });
    } catch (error) {
      // The agent shows the line that it knows.
      this.options.log.debug(messageOf(error));
    }
  }

  /** The debugger is gone. When the run is not, a person says what becomes of it. */
  private onEnd(session: vscode.DebugSession): void {
    this.running.delete(session);
    const id = session.parentSession === undefined ? runOf(session) : undefined;
    if (id === undefined) return;
    void this.endRun(id).catch((error: unknown) => this.options.log.debug(messageOf(error)));
  }

  private async endRun(id: string): Promise<void> {
    const { client } = this.options.agent;
    const row = (await client.request(requests.debugs, {})).find((one) => one.id === id);
    if (row === undefined || OVER.includes(row.state)) return;
    const how = await chooseEnd(row, this.options.folder());
    await client.request(requests.endDebug, { id, how });
  }
}

/** In a remote window the debugger names files by their address there. */
function pathOf(source: string): string {
  return source.includes('://') ? vscode.Uri.parse(source).path : source;
}

/** The debugged run that a session, or the one above it, belongs to. */
function runOf(session: vscode.DebugSession): string | undefined {
  const id: unknown = session.configuration[RUN_KEY];
  if (typeof id === 'string') return id;
  return session.parentSession === undefined ? undefined : runOf(session.parentSession);
}
