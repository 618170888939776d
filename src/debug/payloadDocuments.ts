import * as vscode from 'vscode';
import * as z from 'zod';
import { InterlockError, messageOf } from '../../agent/common/errors.ts';
import type { JsonValue } from '../../agent/common/json.ts';
import type { PayloadProblem } from '../../agent/protocol/api.ts';
import type { JobDetail } from '../../agent/protocol/model.ts';
import { COMMANDS } from '../contributions.ts';
import { DisposableStore, type Disposable } from '../disposable.ts';

const SCHEME = 'interlock-payload';
/** The payload that the job was enqueued with, to compare with. */
const ORIGINAL_SCHEME = 'interlock-original';

export type OnSave = 'run' | 'debug';

/** A payload that a person edits: saved, it is what the job runs again with. */
export interface EditedPayload {
  job: { id: string; queue: string };
  data: JsonValue;
}

interface Draft {
  job: JobDetail;
  text: string;
  onSave: OnSave;
  mtime: number;
}

/**
 * Payloads of jobs as JSON documents that can be edited. To save one is to run its job again with it;
 * the job itself stays as it is.
 */
export class PayloadDocuments
  implements
    vscode.FileSystemProvider,
    vscode.TextDocumentContentProvider,
    vscode.CodeLensProvider,
    Disposable
{
  private readonly drafts = new Map<string, Draft>();
  private readonly disposables = new DisposableStore();
  private readonly files = this.disposables.add(
    new vscode.EventEmitter<vscode.FileChangeEvent[]>(),
  );
  private readonly lenses = this.disposables.add(new vscode.EventEmitter<void>());
  private readonly marks = this.disposables.add(
    vscode.languages.createDiagnosticCollection(SCHEME),
  );
  readonly onDidChangeFile = this.files.event;
  readonly onDidChangeCodeLenses = this.lenses.event;

  /**
   * @param rerun runs or debugs a job with another payload
   * @param check what of a text does not fit the schema of a job type
   */
  constructor(
    private readonly rerun: (edited: EditedPayload, how: OnSave) => Promise<void>,
    private readonly check: (type: string, text: string) => Promise<PayloadProblem[]>,
  ) {
    const { workspace, languages } = vscode;
    this.disposables.add(workspace.registerFileSystemProvider(SCHEME, this));
    this.disposables.add(workspace.registerTextDocumentContentProvider(ORIGINAL_SCHEME, this));
    this.disposables.add(languages.registerCodeLensProvider({ scheme: SCHEME }, this));
    this.disposables.add(
      workspace.onDidCloseTextDocument(({ uri }) => {
        if (uri.scheme !== SCHEME) return;
        this.drafts.delete(uri.path);
        this.marks.delete(uri);
      }),
    );
    this.disposables.add(
      workspace.onDidChangeTextDocument(({ document }) => void this.mark(document)),
    );
  }

  async open(job: JobDetail): Promise<void> {
    const path = `/${job.queue}/${job.type} ${job.id}.json`;
    this.drafts.set(path, { job, text: textOf(job.data), onSave: 'debug', mtime: Date.now() });
    const document = await vscode.workspace.openTextDocument(uriOf(path));
    await vscode.window.showTextDocument(document, { preview: false });
    await this.mark(document);
  }

  /** What saving does from now on; then it is saved. */
  async save(uri: vscode.Uri, onSave: OnSave): Promise<void> {
    const draft = this.draftOf(uri);
    draft.onSave = onSave;
    this.lenses.fire();
    const document = await vscode.workspace.openTextDocument(uri);
    if (document.isDirty) await document.save();
    else await this.submit(draft, document.getText());
  }

  async compare(uri: vscode.Uri): Promise<void> {
    const { job } = this.draftOf(uri);
    const title = vscode.l10n.t('{0} {1}: enqueued ↔ edited', job.type, job.id);
    const original = uri.with({ scheme: ORIGINAL_SCHEME });
    await vscode.commands.executeCommand('vscode.diff', original, uri, title);
  }

  provideTextDocumentContent(uri: vscode.Uri): string | undefined {
    const draft = this.drafts.get(uri.path);
    return draft === undefined ? undefined : textOf(draft.job.data);
  }

  provideCodeLenses({ uri }: vscode.TextDocument): vscode.CodeLens[] {
    const draft = this.drafts.get(uri.path);
    if (draft === undefined) return [];
    const t = vscode.l10n.t;
    const onSave = (how: OnSave) => (draft.onSave === how ? ` (${t('on save')})` : '');
    const lens = (title: string, command: string) =>
      new vscode.CodeLens(new vscode.Range(0, 0, 0, 0), { title, command, arguments: [uri] });
    return [
      lens(`$(debug-alt) ${t('Debug with This Payload')}${onSave('debug')}`, COMMANDS.payloadDebug),
      lens(`$(play) ${t('Run with This Payload')}${onSave('run')}`, COMMANDS.payloadRun),
      lens(`$(diff) ${t('Compare with the Original')}`, COMMANDS.payloadCompare),
    ];
  }

  dispose(): void {
    this.disposables.dispose();
  }

  watch(): vscode.Disposable {
    return new vscode.Disposable(() => undefined);
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    const { text, mtime } = this.draftOf(uri);
    const size = Buffer.byteLength(text);
    return { type: vscode.FileType.File, ctime: 0, mtime, size };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    return Buffer.from(this.draftOf(uri).text);
  }

  /** What is no JSON is not saved: the editor says why, and keeps it. */
  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    const draft = this.draftOf(uri);
    const text = Buffer.from(content).toString('utf8');
    await this.submit(draft, text);
    draft.text = text;
    draft.mtime = Date.now();
    this.files.fire([{ type: vscode.FileChangeType.Changed, uri }]);
  }

  readDirectory(): [string, vscode.FileType][] {
    return [];
  }

  createDirectory(): void {
    throw vscode.FileSystemError.NoPermissions();
  }

  delete(): void {
    this.createDirectory();
  }

  rename(): void {
    this.createDirectory();
  }

  /** Marks what the agent would refuse. */
  private async mark(document: vscode.TextDocument): Promise<void> {
    const { uri, version } = document;
    const draft = uri.scheme === SCHEME ? this.drafts.get(uri.path) : undefined;
    if (draft === undefined) return;
    const problems = await this.check(draft.job.type, document.getText()).catch(() => []);
    // Typed on meanwhile, or closed.
    if (document.version !== version || !this.drafts.has(uri.path)) return;
    const place = (offset: number) => document.positionAt(offset);
    const marks = problems.map(({ offset, length, message }) => {
      const range = new vscode.Range(place(offset), place(offset + length));
      return new vscode.Diagnostic(range, message);
    });
    this.marks.set(uri, marks);
  }

  private async submit({ job, onSave }: Draft, text: string): Promise<void> {
    const { id, queue } = job;
    try {
      const data = z.json().parse(JSON.parse(text));
      await this.rerun({ job: { id, queue }, data }, onSave);
    } catch (error) {
      const remedy = error instanceof InterlockError ? ` ${error.remedy ?? ''}` : '';
      throw vscode.FileSystemError.Unavailable(`${messageOf(error)}${remedy}`);
    }
  }

  private draftOf(uri: vscode.Uri): Draft {
    const draft = this.drafts.get(uri.path);
    if (draft === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return draft;
  }
}

const uriOf = (path: string) => vscode.Uri.from({ scheme: SCHEME, path });

const textOf = (data: unknown) => `${JSON.stringify(data, null, 2)}\n`;
