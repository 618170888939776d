import * as path from 'node:path';
import { DEBUG_HANDLERS } from '../harness/debugHandlers.ts';
import { eventually } from '../harness/eventually.ts';
import { makeWorkspace, type TestWorkspace } from '../harness/workspace.ts';
import { writeDebugHandlers } from '../harness/writeDebugHandlers.ts';
import { takeScreenshot } from './pages/screenshot.ts';
import { ThemedWindows, type Theme } from './pages/themedWindows.ts';
import type { Workbench } from './pages/workbench.ts';

const [HANDLER = { type: '', handler: '', source: '', line: 0 }] = DEBUG_HANDLERS;
const PAUSED = new RegExp(`paused at ${path.basename(HANDLER.source)}:${HANDLER.line}`);

/** The row of ended jobs below a queue. */
const COMPLETED_GROUP = /^\s*Completed\s*\d/;

describe('a job that runs again with another payload, under the debugger', function () {
  let workspace: TestWorkspace;
  let windows: ThemedWindows;
  let workbench: Workbench;

  before(async () => {
    workspace = makeWorkspace(
      { jobs: { [HANDLER.type]: { handler: HANDLER.handler } } },
      { 'package.json': JSON.stringify({ private: true, type: 'module' }) },
    );
    writeDebugHandlers(workspace);
    windows = await ThemedWindows.start(workspace.folder);
    workbench = await windows.open('dark');
  });
  after(async () => {
    await windows.remove();
    workspace.remove();
  });
  afterEach(function () {
    return windows.keepFailure(this.currentTest);
  });

  const showPaused = async (theme: Theme) => {
    const { page, sideBar } = workbench;
    await sideBar.showOnly('Jobs');
    await sideBar.expand(sideBar.rows('Jobs', /^\s*Active/).first());
    await sideBar.rows('Jobs', PAUSED).first().waitFor();
    await takeScreenshot(page, `${theme}-debug-jobs`);
    await sideBar.showOnly('Locks');
    await sideBar.rows('Locks', PAUSED).first().waitFor();
    await takeScreenshot(sideBar.root, `${theme}-debug-locks`);
  };

  it('opens, is edited, saved, stops at the breakpoint, goes on, and is compared', async () => {
    const { page, quickPick, sideBar } = workbench;
    await sideBar.showOnly('Jobs');
    await sideBar.rows('Jobs').first().waitFor({ timeout: 60_000 });
    await quickPick.runCommand('Interlock: Enqueue Job');
    await quickPick.choose(HANDLER.type);
    await quickPick.enter('{"a":1,"b":2}');
    await sideBar.expand(sideBar.rows('Jobs', COMPLETED_GROUP).first());
    const job = sideBar.rows('Jobs', HANDLER.type).first();
    await job.waitFor();

    await workbench.openFile(path.basename(HANDLER.source), HANDLER.line);
    const breakpoint = page.locator('.codicon-debug-breakpoint').first();
    await eventually('the breakpoint', async () => {
      // An editor that is just being opened may not take the key.
      await page.keyboard.press('F9');
      return breakpoint.waitFor({ timeout: 3_000 }).then(
        () => true,
        () => false,
      );
    });

    const payload = page.locator('.tab', { hasText: '.json' }).first();
    await sideBar.chooseFromMenu(job, 'Rerun with Edited Payload', payload);
    await eventually('the payload in an editor', async () =>
      (await workbench.editorText()).includes('"b": 2'),
    );
    await page.keyboard.press('ControlOrMeta+A');
    // The editor closes the bracket.
    await page.keyboard.insertText('{ "a": 20, "b": 22');
    await page.keyboard.press('ControlOrMeta+S');

    await page.locator('.debug-top-stack-frame-line').first().waitFor({ timeout: 40_000 });
    await eventually('the handler in the editor', async () =>
      (await workbench.editorText()).includes('export default'),
    );
    await page.mouse.move(900, 400);
    await takeScreenshot(page, 'dark-debug-editor');
    // The debugger has brought its own view up.
    await sideBar.open();
    await showPaused('dark');
    windows.setTheme('light');
    await page.locator('.monaco-workbench.vs').waitFor();
    await showPaused('light');

    await page.keyboard.press('F5');
    await sideBar.showOnly('Jobs');
    await sideBar.rows('Jobs', PAUSED).first().waitFor({ state: 'detached' });
    const done = sideBar.rows('Jobs', /^\s*Completed\s*2/).first();
    await done.waitFor();

    await page.locator('.tab', { hasText: HANDLER.type }).first().click();
    await page.locator('.codelens-decoration a', { hasText: 'Compare' }).first().click();
    const difference = page.locator('.monaco-diff-editor').first();
    await eventually('both payloads', async () => {
      const shown = (await difference.innerText()).replaceAll('\u00a0', ' ');
      return /"b": 2\b/.test(shown) && /"b": 22\b/.test(shown);
    });
  });
});
