import * as path from 'node:path';
import * as vscode from 'vscode';
import type { AgentService } from '../connection/agentService.ts';
import { COMMANDS } from '../contributions.ts';
import { DisposableStore, type Disposable } from '../disposable.ts';
import { CONFIG_FILE } from '../workspace.ts';
import { declarationLine, defaultExportLine } from './defaultExport.ts';

interface LensPlace {
  line: number;
  type: string;
}

/** What can be done with a job type, above its handler and above its declaration. */
export class HandlerLenses implements vscode.CodeLensProvider, Disposable {
  private readonly disposables = new DisposableStore();
  private readonly changes = this.disposables.add(new vscode.EventEmitter<void>());
  readonly onDidChangeCodeLenses = this.changes.event;

  constructor(
    private readonly agent: AgentService,
    private readonly folder: () => vscode.WorkspaceFolder | undefined,
  ) {
    this.disposables.add(
      vscode.languages.registerCodeLensProvider(
        [
          ...['typescript', 'javascript'].map((language) => ({ language, scheme: 'file' })),
          { pattern: `**/${CONFIG_FILE}` },
        ],
        this,
      ),
    );
    this.disposables.add(agent.onDidChangePhase(() => this.changes.fire()));
    this.disposables.add(
      agent.onDidChangeRows(({ agent: rows }) => {
        for (const { before, after } of rows.values())
          if (before?.jobTypes.length !== after?.jobTypes.length) this.changes.fire();
      }),
    );
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    return this.placesIn(document).flatMap(({ line, type }) => {
      const range = new vscode.Range(line, 0, line, 0);
      const lens = (title: string, command: string, argument: unknown) =>
        new vscode.CodeLens(range, { title, command, arguments: [argument] });
      const t = vscode.l10n.t;
      return [
        lens(`$(debug-alt) ${t('Debug This Handler')}`, COMMANDS.debugNew, type),
        lens(`$(debug) ${t('Debug Next Run')}`, COMMANDS.debugNext, type),
        lens(`$(lock) ${t('Simulate Duplicates')}`, COMMANDS.simulateDuplicates, type),
      ];
    });
  }

  dispose(): void {
    this.disposables.dispose();
  }

  private placesIn(document: vscode.TextDocument): LensPlace[] {
    const folder = this.folder()?.uri.fsPath;
    const types = this.agent.store.agent?.jobTypes ?? [];
    if (folder === undefined || !vscode.workspace.isTrusted) return [];
    const file = document.uri.fsPath;
    if (file === path.join(folder, CONFIG_FILE)) {
      const text = document.getText();
      return types.flatMap(({ name: type }) => {
        const line = declarationLine(text, type);
        return line === undefined ? [] : [{ line, type }];
      });
    }
    return types
      .filter((type) => path.resolve(folder, type.file) === file)
      .map(({ name: type }) => ({ type, line: defaultExportLine(document.getText()) }));
  }
}
