import type * as vscode from 'vscode';
import type { InterlockApi } from './api.ts';
import { Container } from './container.ts';

/** Makes the views and commands; agents, sockets and schemas are loaded after it has returned. */
export function activate(context: vscode.ExtensionContext): InterlockApi {
  const startedAt = performance.now();
  const container = new Container(context);
  context.subscriptions.push(container);
  setImmediate(() => container.begin());
  return container.api(performance.now() - startedAt);
}

/** Disposing the subscriptions closes the connection; the agent leaves by itself when nobody needs it. */
export function deactivate(): void {
  // Nothing to wait for.
}
