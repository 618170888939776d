import * as vscode from 'vscode';
import type { Disposable } from '../disposable.ts';

const SCHEME = 'interlock';

/** Documents that can be read and not edited: a job, a decision, a result. */
export class VirtualDocuments implements vscode.TextDocumentContentProvider, Disposable {
  private readonly texts = new Map<string, string>();
  private readonly changeEmitter = new vscode.EventEmitter<vscode.Uri>();
  private readonly registrations: Disposable[];
  readonly onDidChange = this.changeEmitter.event;

  constructor() {
    this.registrations = [
      vscode.workspace.registerTextDocumentContentProvider(SCHEME, this),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme === SCHEME) this.texts.delete(uri.toString());
      }),
    ];
  }

  provideTextDocumentContent(uri: vscode.Uri): string | undefined {
    return this.texts.get(uri.toString());
  }

  /**
   * Opens a document, or brings it up to date when it is open.
   * @param path such as `/job/default/7.json`; its ending gives the language
   */
  async show(path: string, text: string): Promise<void> {
    const uri = vscode.Uri.from({ scheme: SCHEME, path });
    this.texts.set(uri.toString(), text);
    this.changeEmitter.fire(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document, { preview: true });
  }

  dispose(): void {
    this.changeEmitter.dispose();
    for (const registration of this.registrations) registration.dispose();
  }
}
