import * as vscode from 'vscode';
import type { Disposable } from '../disposable.ts';
import type { LineAction } from './textActions.ts';

const SCHEME = 'interlock';

/** Documents that can be read and not edited: a job, a decision, a result. */
export class VirtualDocuments
  implements vscode.TextDocumentContentProvider, vscode.CodeLensProvider, Disposable
{
  private readonly texts = new Map<string, string>();
  private readonly actions = new Map<string, readonly LineAction[]>();
  private readonly changeEmitter = new vscode.EventEmitter<vscode.Uri>();
  private readonly registrations: Disposable[];
  readonly onDidChange = this.changeEmitter.event;

  constructor() {
    this.registrations = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.languages.registerCodeLensProvider({ scheme: SCHEME }, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme !== SCHEME) return;
        this.texts.delete(uri.toString());
        this.actions.delete(uri.toString());
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string | undefined {
    return this.texts.get(uri.toString());
  }

  /** What can be done about a line stands above it. */
  provideCodeLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    return (this.actions.get(uri.toString()) ?? []).map(
      ({ line, title, command, argument }) =>
        new vscode.CodeLens(new vscode.Range(line, 0, line, 0), {
          title,
          command,
          arguments: [argument],
        }),
    );
  }

  /**
   * Opens a document, or brings it up to date when it is open.
   * @param path such as `/job/default/7.json`; its ending gives the language
   */
  async show(path: string, text: string, actions: readonly LineAction[] = []): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path });
    this.texts.set(uri.toString(), text);
    this.actions.set(uri.toString(), actions);
    this.changeEmitter.fire(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true });
  }

  dispose(): void {
    this.changeEmitter.dispose();
    for (const registration of this.registrations) registration.dispose();
  }
}
