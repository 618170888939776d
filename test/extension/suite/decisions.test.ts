import * as assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as vscode from 'vscode';
import { requests } from '../../../agent/protocol/api.ts';
import { COMMANDS, VIEWS } from '../../../src/contributions.ts';
import { AgentRedis } from '../../harness/agentRedis.ts';
import { eventually } from '../../harness/eventually.ts';
import { answering } from './answering.ts';
import {
  enqueue,
  interlock,
  openingMs,
  rowsOf,
  snapshot,
  waitForJob,
  waitForState,
  withClient,
  workspaceFolder,
} from './interlock.ts';

const MANY = 10_000;
const OPEN_LIMIT_MS = 1_000;

describe('the Decisions view', () => {
  let redis: AgentRedis;
  let until = '';
  let first = '';

  before(async () => {
    await waitForState('running');
    redis = AgentRedis.open((await snapshot()).agent['agent']?.redis.address ?? '');
    until = path.join(workspaceFolder(), 'open-decisions');
    first = await enqueue('wait', { until });
    await waitForJob(first, 'active');
    await eventually('its lock', async () => `run:slow/${first}` in (await snapshot()).locks);
  });

  after(async () => {
    await vscode.commands.executeCommand(COMMANDS.decisionsClearFilter);
    await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    writeFileSync(until, '');
    await waitForJob(first, 'completed');
    await redis.close();
  });

  const roots = async () => (await interlock()).treeOf(VIEWS.decisions);
  const text = () => vscode.window.activeTextEditor?.document.getText() ?? '';
  const filterBy = async (label: string) => {
    await answering({ picks: [label] }, () =>
      vscode.commands.executeCommand(COMMANDS.decisionsFilter),
    );
  };

  it('shows 40 equal refusals as one row that can be opened', async () => {
    await withClient((client) =>
      client.request(requests.enqueue, { type: 'wait', data: { until }, count: 40 }),
    );
    const run = await eventually('one row for all', async () => {
      const row = (await roots()).find(({ contextValue }) => contextValue === 'decisionRun');
      return row?.children.length === 40 && row;
    });
    assert.match(run.label, /^enqueue wait \[/);
    assert.match(run.description, /^40× · already_running · last .* · another job has this key$/);
    assert.match(run.children[0]?.description ?? '', new RegExp(`job ${first} is active since`));
    assert.match(run.children[0]?.contextValue ?? '', /^decision\+job\+lock\+rule$/);
  });

  it('filters by type and by outcome, says so, and shows all again', async () => {
    await enqueue('echo');
    await filterBy('wait');
    await filterBy('already_running');
    const filtered = (await rowsOf(VIEWS.decisions)).filter(
      ({ contextValue }) => contextValue !== 'loadMore',
    );
    assert.ok(filtered.length >= 40);
    assert.ok(filtered.every(({ icon }) => icon === 'debug-step-over'));
    assert.ok((await roots()).every(({ label }) => label.includes('wait')));

    await filterBy('rescheduled');
    assert.deepEqual(await roots(), [], 'nothing is like that');

    await vscode.commands.executeCommand(COMMANDS.decisionsClearFilter);
    const all = (await roots()).map(({ label }) => label).join('\n');
    assert.match(all, /echo/);
    assert.match(all, /wait/);
  });

  it('explains why a type was skipped, with what can be done above each reason', async () => {
    await answering({ picks: ['wait'] }, () =>
      vscode.commands.executeCommand(COMMANDS.jobExplainSkip),
    );
    assert.equal(vscode.window.activeTextEditor?.document.uri.path, '/explain/wait.md');
    assert.match(text(), /^# Why wait was skipped/);
    assert.match(text(), /\(40 times\)/);
    assert.match(text(), /- Rule: unique_key: another job has this key/);
    assert.match(text(), /- Holder: .*:\d+ all, alive/);
    const lenses = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      vscode.window.activeTextEditor.document.uri,
    );
    const titles = lenses.map(({ command }) => command?.title);
    for (const title of ['Reveal Survivor', 'Release Lock…', 'Open Rule in Config'])
      assert.ok(titles.includes(title), `${title} is missing in ${titles.join(', ')}`);
  });

  it('opens the rule of the type in the config', async () => {
    const rule = { type: 'wait', field: 'unique' };
    await vscode.commands.executeCommand(COMMANDS.configOpenRule, rule);
    const editor = vscode.window.activeTextEditor;
    assert.match(editor?.document.uri.path ?? '', /interlock\.config\.json$/);
    assert.match(
      editor?.document.getText(editor.selection) ?? '',
      /^"unique": \{[^]*"until"[^]*\}$/,
    );
  });

  it('reveals the surviving job', async () => {
    await vscode.commands.executeCommand(COMMANDS.jobReveal, { queue: 'slow', id: first });
    await eventually('the job to be selected', async () =>
      (await interlock()).selectionOf(VIEWS.jobs).some((id) => id.endsWith(`/${first}`)),
    );
  });

  it('shows the run history, and what runs for longer than asked', async () => {
    await answering({ picks: ['Running longer than…'], input: '1ms' }, () =>
      vscode.commands.executeCommand(COMMANDS.runsHistory),
    );
    assert.match(text(), /^# Run history: running longer than 1 ms/);
    assert.match(text(), new RegExp(`running +\\| wait .*slow/${first}`));
    await answering({ picks: ['Running longer than…'], input: '5h' }, () =>
      vscode.commands.executeCommand(COMMANDS.runsHistory),
    );
    assert.match(text(), /No run is like that\./);
  });

  it('opens 10,000 decisions in under a second, pages, and keeps the selection as more come', async () => {
    await redis.decisions(MANY, (index) => ({ subject: index % 2 === 0 ? 'wait' : 'fail' }));
    const total = async () => (await snapshot()).agent['agent']?.totals.decisions ?? 0;
    await eventually('all of them to be counted', async () => (await total()) >= MANY);

    const tookMs = await openingMs(VIEWS.decisions);
    assert.ok(tookMs < OPEN_LIMIT_MS, `it took ${Math.round(tookMs)} ms`);
    const shown = await rowsOf(VIEWS.decisions);
    assert.ok(shown.length > 200, `${shown.length} rows`);
    assert.equal(shown.at(-1)?.contextValue, 'loadMore');

    const selected = await eventually('a selected row', async () => {
      await vscode.commands.executeCommand(`${VIEWS.decisions}.focus`);
      await vscode.commands.executeCommand('list.focusFirst');
      await vscode.commands.executeCommand('list.focusDown');
      await vscode.commands.executeCommand('list.select');
      const ids = (await interlock()).selectionOf(VIEWS.decisions);
      return ids.length === 1 && ids;
    });
    const newer = await enqueue('echo');
    await eventually('a newer one', async () =>
      (await roots()).some(({ label }) => /^enqueue echo/.test(label)),
    );
    await waitForJob(newer, 'completed');
    // While a tree is read anew, VS Code tells no selection for a moment; one that is lost stays lost.
    await eventually('the selection as before', async () =>
      isDeepStrictEqual((await interlock()).selectionOf(VIEWS.decisions), selected),
    );

    await eventually('one more page', async () => {
      await vscode.commands.executeCommand(`${VIEWS.decisions}.focus`);
      await vscode.commands.executeCommand('list.focusLast');
      await vscode.commands.executeCommand('list.select');
      return (await rowsOf(VIEWS.decisions)).length > shown.length + 100;
    });
  });
});
