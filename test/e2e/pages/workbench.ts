import type { Page } from 'playwright-core';
import { Notifications } from './notifications.ts';
import { QuickPick } from './quickPick.ts';
import { SideBar } from './sideBar.ts';
import { StatusBar } from './statusBar.ts';

/** The first window of a server starts an extension host as well. */
const ACTIVATION_TIMEOUT_MS = 60_000;

/** One VS Code window. */
export class Workbench {
  readonly sideBar: SideBar;
  readonly statusBar: StatusBar;
  readonly quickPick: QuickPick;
  readonly notifications: Notifications;

  private constructor(readonly page: Page) {
    this.sideBar = new SideBar(page);
    this.statusBar = new StatusBar(page);
    this.quickPick = new QuickPick(page);
    this.notifications = new Notifications(page);
  }

  static async open(page: Page, url: string): Promise<Workbench> {
    // Asked for by the page of a window under test; nobody listens here.
    await page.exposeFunction('codeAutomationLog', () => undefined);
    await page.exposeFunction('codeAutomationExit', () => undefined);
    await page.goto(url);
    await page.locator('.monaco-workbench .part.statusbar').waitFor();
    const workbench = new Workbench(page);
    await workbench.statusBar.interlock.waitFor({ timeout: ACTIVATION_TIMEOUT_MS });
    return workbench;
  }

  /** The text of the active editor. */
  async editorText(): Promise<string> {
    const lines = await this.page.locator('.editor-instance .view-lines').last().innerText();
    return lines.replaceAll('\u00a0', ' ');
  }

  /** Opens a file of the workspace by its name, with the cursor on a line. */
  async openFile(name: string, line: number): Promise<void> {
    await this.page.keyboard.press('ControlOrMeta+P');
    await this.quickPick.find(`${name}:${line}`, name);
    await this.page.locator('.tab', { hasText: name }).first().waitFor();
  }

  /** The names of the open editors. */
  async tabs(): Promise<string[]> {
    return this.page.locator('.tabs-container .tab').allInnerTexts();
  }
}
