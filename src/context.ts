import * as vscode from 'vscode';
import { CONTEXT_DEFAULTS, type ContextKey } from './contributions.ts';

/** The only place that sets context keys: all have a value from the start, and are set on change only. */
export class ContextKeys {
  private readonly values = new Map<ContextKey, string | boolean>();

  constructor() {
    this.set('interlock.state', CONTEXT_DEFAULTS['interlock.state']);
    this.set('interlock.problem', CONTEXT_DEFAULTS['interlock.problem']);
    this.set('interlock.hasConfig', CONTEXT_DEFAULTS['interlock.hasConfig']);
    this.set('interlock.decisionsFiltered', CONTEXT_DEFAULTS['interlock.decisionsFiltered']);
  }

  set(key: ContextKey, value: string | boolean): void {
    if (this.values.get(key) === value) return;
    this.values.set(key, value);
    void vscode.commands.executeCommand('setContext', key, value);
  }
}
