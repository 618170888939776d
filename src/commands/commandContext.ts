import type * as vscode from 'vscode';
import type { AgentService } from '../connection/agentService.ts';
import type { CommandId } from '../contributions.ts';
import type { DebugSessions } from '../debug/debugSessions.ts';
import type { PayloadDocuments } from '../debug/payloadDocuments.ts';
import type { DisposableStore } from '../disposable.ts';
import type { VirtualDocuments } from '../documents/virtualDocuments.ts';
import type { Logger } from '../logging.ts';
import type { Explorer } from '../views/explorer.ts';
import type { ViewData } from '../views/treeNode.ts';

/** What commands work with. */
export interface CommandContext {
  readonly agent: AgentService;
  readonly data: ViewData;
  readonly explorer: Explorer;
  readonly documents: VirtualDocuments;
  readonly sessions: DebugSessions;
  readonly payloads: PayloadDocuments;
  /** Ends with the extension: for what commands make and keep. */
  readonly resources: DisposableStore;
  readonly log: Logger;
  folder(): vscode.WorkspaceFolder | undefined;
  showLog(): void;
}

/**
 * One command. It is called with the row it was invoked on and the whole selection, or with
 * nothing from the palette: then it asks.
 */
export type CommandHandler = (node: unknown, selection: readonly unknown[]) => Promise<void>;

/** All of them: a missing one does not compile. */
export type CommandHandlers = Record<CommandId, CommandHandler>;
