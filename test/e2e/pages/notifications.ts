import type { Page } from 'playwright-core';

/** Messages in the corner, and questions in the middle of the window. */
export class Notifications {
  constructor(private readonly page: Page) {}

  /** Waits for a message with these words. */
  async waitFor(text: string | RegExp): Promise<void> {
    await this.page.locator('.notification-toast', { hasText: text }).first().waitFor();
  }

  async clear(): Promise<void> {
    const close = this.page.locator('.notification-toast .codicon-notifications-clear');
    while ((await this.page.locator('.notification-toast').count()) > 0) {
      await this.page.locator('.notification-toast').first().hover();
      await close.first().click();
    }
  }

  /** Presses a button of the dialog that asks. */
  async answer(button: string): Promise<void> {
    const dialog = this.page.locator('.monaco-dialog-box');
    await dialog.waitFor();
    await dialog.getByRole('button', { name: button, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  }
}
