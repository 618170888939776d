import * as assert from 'node:assert/strict';
import { copyFileSync } from 'node:fs';
import * as path from 'node:path';
import { startFeedServer, type FeedServer } from '../../examples/market/feed/feedServer.mjs';
import { DEBUG_HANDLERS } from '../harness/debugHandlers.ts';
import { eventually } from '../harness/eventually.ts';
import { makeExtensionWorkspace } from '../harness/extensionWorkspace.ts';
import { PROJECT_ROOT, type TestWorkspace } from '../harness/workspace.ts';
import { keepFailure, SCREENSHOTS, ThemedWindows } from './pages/themedWindows.ts';
import type { Workbench } from './pages/workbench.ts';

const UPDATE_DOCS = process.env['INTERLOCK_UPDATE_DOCS'] === '1';
const [HANDLER = { type: '', source: '', line: 0 }] = DEBUG_HANDLERS;
const PAUSED = new RegExp(`paused at ${path.basename(HANDLER.source)}:${HANDLER.line}`);

/** The row of ended jobs below a queue. */
const COMPLETED_GROUP = /^\s*Completed\s*\d/;

describe('a job that runs again with another payload, under the debugger', function () {
  let feed: FeedServer;
  let workspace: TestWorkspace;
  let windows: ThemedWindows;
  let workbench: Workbench;

  before(async () => {
    feed = await startFeedServer({ port: 0, ratePerSecond: 1 });
    workspace = makeExtensionWorkspace(feed.url, []);
    windows = await ThemedWindows.start(workspace.folder);
    workbench = await windows.open('dark');
  });
  after(async () => {
    await windows.remove();
    await feed.close();
    workspace.remove();
  });
  afterEach(function () {
    return keepFailure(this.currentTest, workbench);
  });

  const shot = async (name: string, take: (file: string) => Promise<unknown>) => {
    const file = path.join(SCREENSHOTS, `dark-debug-${name}.png`);
    await take(file);
    if (UPDATE_DOCS)
      copyFileSync(file, path.join(PROJECT_ROOT, 'docs', 'screenshots', path.basename(file)));
  };

  it('opens, is edited, saved, stops at the breakpoint, goes on, and is compared', async () => {
    const { page, quickPick, sideBar } = workbench;
    await quickPick.runCommand('Interlock: Enqueue Job');
    await quickPick.choose(HANDLER.type);
    await quickPick.enter('{"a":1,"b":2}');
    await sideBar.showOnly('Jobs');
    await sideBar.expand(sideBar.rows('Jobs', COMPLETED_GROUP).first());
    const job = sideBar.rows('Jobs', HANDLER.type).first();
    await job.waitFor();

    await workbench.openFile(path.basename(HANDLER.source), HANDLER.line);
    await page.keyboard.press('F9');
    await page.locator('.codicon-debug-breakpoint').first().waitFor();

    await sideBar.chooseFromMenu(job, 'Rerun with Edited Payload');
    await eventually('the payload in an editor', async () =>
      (await workbench.editorText()).includes('"b": 2'),
    );
    await page.keyboard.press('ControlOrMeta+A');
    await page.keyboard.insertText('{ "a": 20, "b": 22 }');
    await page.keyboard.press('ControlOrMeta+S');

    await sideBar.expand(sideBar.rows('Jobs', /^\s*Active/).first());
    await sideBar.rows('Jobs', PAUSED).first().waitFor();
    await page.locator('.debug-top-stack-frame-line').first().waitFor();
    await eventually('the handler in the editor', async () =>
      (await workbench.editorText()).includes('export default'),
    );
    await page.mouse.move(900, 500);
    await shot('jobs', (file) => page.screenshot({ path: file }));
    await sideBar.showOnly('Locks');
    await sideBar.rows('Locks', PAUSED).first().waitFor();
    await shot('locks', (file) => sideBar.root.screenshot({ path: file }));

    await page.keyboard.press('F5');
    await sideBar.showOnly('Jobs');
    await sideBar.rows('Jobs', PAUSED).first().waitFor({ state: 'detached' });
    const done = sideBar.rows('Jobs', /^\s*Completed\s*2/).first();
    await done.waitFor();

    await page.locator('.tab', { hasText: HANDLER.type }).first().click();
    await page.locator('.codelens-decoration a', { hasText: 'Compare' }).first().click();
    await page.locator('.monaco-diff-editor').first().waitFor();
    const shown = await page.locator('.monaco-diff-editor').first().innerText();
    assert.match(shown.replaceAll('\u00a0', ' '), /"b": 2\b[^]*"b": 22/);
  });
});
