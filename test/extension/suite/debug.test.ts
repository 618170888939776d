import * as assert from 'node:assert/strict';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { requests } from '../../../agent/protocol/api.ts';
import { COMMANDS, VIEWS } from '../../../src/contributions.ts';
import { DEBUG_HANDLERS } from '../../harness/debugHandlers.ts';
import { eventually } from '../../harness/eventually.ts';
import { EditorDebugger } from './editorDebugger.ts';
import {
  jobDetail,
  recordResult,
  rowsOf,
  snapshot,
  waitForJob,
  waitForState,
  withClient,
  workspaceFolder,
} from './interlock.ts';

const FAR_MS = 3_600_000;
const QUEUE = 'debugged';
/** The one that has a schema. */
const SCHEMA_TYPE = 'debug_common';

async function enqueueLater(type: string, data: Record<string, number>): Promise<string> {
  const [decision] = await withClient((client) =>
    client.request(requests.enqueue, { type, data, delayMs: FAR_MS }),
  );
  return decision?.jobId ?? '';
}

const idsOf = async (type: string) =>
  Object.values((await snapshot()).jobs).flatMap((job) => (job.type === type ? [job.id] : []));

const debugJob = (id: string) =>
  vscode.commands.executeCommand(COMMANDS.jobDebug, { queue: QUEUE, id });

describe('debugging a job with the editor', () => {
  let editor: EditorDebugger;
  /** From the click to the stop, each time. */
  const tookMs: number[] = [];
  before(() => waitForState('running'));
  beforeEach(() => (editor = new EditorDebugger()));
  afterEach(async () => {
    await vscode.debug.stopDebugging();
    editor.dispose();
  });

  after(() => recordResult('debug.json', { clickToStopMs: tookMs }));

  for (const { type, source, line } of DEBUG_HANDLERS) {
    it(`stops in ${type} on the line that was clicked, and goes on with a changed value`, async () => {
      const file = path.join(workspaceFolder(), source);
      const breakpoint = editor.breakAt(file, line);
      const id = await enqueueLater(type, { a: 1, b: 2 });
      const clickedAt = performance.now();
      await debugJob(id);
      await editor.stopped();
      tookMs.push(performance.now() - clickedAt);
      assert.equal((await editor.place()).at, `${file}:${line}`);
      assert.equal(await editor.boundLine(breakpoint), line);
      assert.equal((await editor.variable('sum')).value, '3');
      await editor.change('sum', '42');
      const at = `${path.basename(file)}:${line}`;
      await eventually('the Jobs view to show it', async () => {
        const rows = await rowsOf(VIEWS.jobs);
        return rows.some(({ description }) => description.includes(`paused at ${at}`));
      });
      await eventually('the Locks view to show it', async () => {
        const rows = await rowsOf(VIEWS.locks);
        return rows.some(({ description }) => description.includes(`paused at ${at}`));
      });
      await editor.go();
      const job = await waitForJob(id, 'completed');
      assert.equal(JSON.stringify(job.result).includes('"sum":42'), true);
      assert.equal(job.attemptsMade, 1);
      await editor.ended();
    });
  }

  it('debugs a job that has ended as a replay, with another payload', async () => {
    const [{ source, line, type } = { source: '', line: 0, type: '' }] = DEBUG_HANDLERS;
    const file = path.join(workspaceFolder(), source);
    const [decision] = await withClient((client) =>
      client.request(requests.enqueue, { type, data: { a: 1, b: 2 } }),
    );
    const first = await waitForJob(decision?.jobId ?? '', 'completed');
    editor.breakAt(file, line);
    await vscode.commands.executeCommand(COMMANDS.jobRerunEdited, { queue: QUEUE, id: first.id });
    const document = vscode.window.activeTextEditor?.document;
    assert.ok(document);
    const edit = new vscode.WorkspaceEdit();
    const all = new vscode.Range(0, 0, document.lineCount, 0);
    edit.replace(document.uri, all, '{ "a": 20, "b": 1 }');
    await vscode.workspace.applyEdit(edit);
    assert.equal(await document.save(), true);
    assert.equal((await editor.variable('sum')).value, '21');
    const row = Object.values((await snapshot()).debugs).find(({ state }) => state === 'paused');
    assert.equal(row?.replayOf, `${QUEUE}/${first.id}`);
    await editor.go();
    await waitForJob(row.job?.id ?? '', 'completed');
    assert.deepEqual((await jobDetail(first.id)).data, { a: 1, b: 2 });
    await editor.ended();
  });

  it('marks what does not fit the schema of the type, and runs nothing when it is saved', async () => {
    const type = SCHEMA_TYPE;
    const [decision] = await withClient((client) =>
      client.request(requests.enqueue, { type, data: { a: 1, b: 2 } }),
    );
    const first = await waitForJob(decision?.jobId ?? '', 'completed');
    await vscode.commands.executeCommand(COMMANDS.jobRerunEdited, { queue: QUEUE, id: first.id });
    const document = vscode.window.activeTextEditor?.document;
    assert.ok(document);
    const write = async (text: string) => {
      const edit = new vscode.WorkspaceEdit();
      edit.replace(document.uri, new vscode.Range(0, 0, document.lineCount, 0), text);
      await vscode.workspace.applyEdit(edit);
    };
    const marks = () => vscode.languages.getDiagnostics(document.uri);
    await write('{\n  "a": "one",\n  "b": 2\n}\n');
    const before = await idsOf(type);
    const mark = await eventually('the mark', () => marks()[0]);
    assert.equal(mark.message, 'a: expected number, received string');
    assert.equal(document.getText(mark.range), '"one"');
    assert.equal(await document.save(), false);
    assert.equal(document.isDirty, true);
    assert.deepEqual(await idsOf(type), before);
    await write('{\n  "a": 5,\n  "b": 2\n}\n');
    await eventually('no mark', () => marks().length === 0);
    await vscode.commands.executeCommand('workbench.action.revertAndCloseActiveEditor');
  });

  const inEachKind = DEBUG_HANDLERS.filter(({ handler }) => handler === './debug/esm.ts');
  for (const { type, source, line } of inEachKind) {
    it(`gives the job of ${type} back when the debugger is stopped, as the setting says`, async () => {
      const settings = vscode.workspace.getConfiguration('interlock');
      await settings.update('debug.onStop', 'giveBack', vscode.ConfigurationTarget.Workspace);
      try {
        editor.breakAt(path.join(workspaceFolder(), source), line);
        const id = await enqueueLater(type, { a: 1, b: 2 });
        await debugJob(id);
        await editor.stopped();
        await vscode.debug.stopDebugging();
        // It runs again by itself, and the first start has used up no attempt.
        const job = await waitForJob(id, 'completed');
        assert.deepEqual([job.attemptsMade, job.result], [1, { sum: 3, fence: true }]);
        const { rows } = await withClient((client) => client.request(requests.history, { type }));
        assert.deepEqual(
          rows.filter(({ jobId }) => jobId === id).map(({ status }) => status),
          ['completed', 'returned'],
        );
      } finally {
        await settings.update('debug.onStop', undefined, vscode.ConfigurationTarget.Workspace);
      }
    });
  }

  it('waits for the next run of a type, by F5', async () => {
    const [{ source, line, type } = { source: '', line: 0, type: '' }] = DEBUG_HANDLERS;
    editor.breakAt(path.join(workspaceFolder(), source), line);
    const configuration = { type: 'interlock', request: 'launch', name: 'next', jobType: type };
    void vscode.debug.startDebugging(vscode.workspace.workspaceFolders?.[0], configuration);
    await eventually('somebody to wait for it', async () => {
      return Object.values((await snapshot()).debugs).some(({ state }) => state === 'armed');
    });
    const [decision] = await withClient((client) =>
      client.request(requests.enqueue, { type, data: { a: 2, b: 2 } }),
    );
    assert.equal((await editor.variable('sum')).value, '4');
    await editor.go();
    await waitForJob(decision?.jobId ?? '', 'completed');
    await editor.ended();
  });

  it('shows what can be done above a handler and its declaration', async () => {
    const folder = workspaceFolder();
    for (const file of ['debug/esm.ts', 'interlock.config.json']) {
      const document = await vscode.workspace.openTextDocument(path.join(folder, file));
      const lenses: vscode.CodeLens[] = await vscode.commands.executeCommand(
        'vscode.executeCodeLensProvider',
        document.uri,
      );
      const titles = lenses.map(({ command }) => command?.title);
      assert.ok(titles.includes('$(debug-alt) Debug This Handler'), titles.join());
    }
  });
});
