import * as assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import type { Browser } from 'playwright-core';
import { launchBrowser, newPage } from '../../harness/browser.ts';
import { CodeServer } from '../../harness/codeServer.ts';
import { leftProcesses } from '../../harness/leftProcesses.mjs';
import { PROJECT_ROOT } from '../../harness/workspace.ts';
import { Workbench } from './workbench.ts';

export const SCREENSHOTS = path.join(PROJECT_ROOT, 'test-results', 'screenshots');

/** Seconds that the agent waits after its last window; long enough for a window to reload. */
const IDLE_EXIT_S = 5;
const LEAVE_DEADLINE_MS = 25_000;

const THEMES = { dark: 'Default Dark Modern', light: 'Default Light Modern' } as const;
export type Theme = keyof typeof THEMES;

/** A server of VS Code and a browser, for windows on one workspace with the view container open. */
export class ThemedWindows {
  private constructor(
    private readonly workspaceFolder: string,
    private readonly server: CodeServer,
    private readonly browser: Browser,
  ) {}

  static async start(workspaceFolder: string): Promise<ThemedWindows> {
    mkdirSync(SCREENSHOTS, { recursive: true });
    const server = await CodeServer.start({ settings: settingsOf('dark') });
    return new ThemedWindows(workspaceFolder, server, await launchBrowser(server.chromium));
  }

  /** The home folder of everything that the server starts. */
  get home(): string {
    return this.server.home;
  }

  /** Windows that are open follow. */
  setTheme(theme: Theme): void {
    this.server.changeSettings(settingsOf(theme));
  }

  async open(theme: Theme): Promise<Workbench> {
    this.setTheme(theme);
    const page = await newPage(this.browser, theme);
    const paths = { workspace: this.workspaceFolder, extension: PROJECT_ROOT };
    const opened = await Workbench.open(page, this.server.windowUrl(paths));
    await opened.sideBar.open();
    await opened.sideBar.widen();
    return opened;
  }

  /** The last window is closed before: nothing may run any more soon after the server's end. */
  async expectNothingLeft(): Promise<void> {
    await this.server.stop();
    const left = await leftProcesses(this.home, LEAVE_DEADLINE_MS);
    assert.deepEqual(
      left.map(({ command }) => command),
      [],
    );
  }

  /** What every window showed last when a test failed: as a picture, and as text in the output. */
  async keepFailure(
    test: { state?: string | undefined; title: string } | undefined,
  ): Promise<void> {
    if (test?.state !== 'failed') return;
    const pages = this.browser.contexts().flatMap((context) => context.pages());
    for (const [index, page] of pages.entries()) {
      const name = `failed-${test.title.replaceAll(/[^\w]+/g, '-')}-${index}`;
      await page.screenshot({ path: path.join(SCREENSHOTS, `${name}.png`) });
      const text = await page
        .locator('.part.sidebar')
        .innerText({ timeout: 2_000 })
        .catch(() => 'no side bar');
      process.stdout.write(`Window ${index} showed:\n${text}\n`);
    }
  }

  async remove(): Promise<void> {
    await this.browser.close();
    await this.server.remove();
  }
}

function settingsOf(theme: Theme): Record<string, unknown> {
  return {
    'workbench.colorTheme': THEMES[theme],
    'window.autoDetectColorScheme': false,
    'interlock.agentIdleExit': IDLE_EXIT_S,
  };
}
