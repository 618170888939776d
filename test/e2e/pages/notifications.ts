import type { Locator, Page } from 'playwright-core';

/** Messages behind the bell, and questions in the middle of the window. */
export class Notifications {
  constructor(private readonly page: Page) {}

  /** Waits for a message with these words, then clears all. A window under test shows no toasts. */
  async expect(text: string | RegExp): Promise<void> {
    if (!(await this.center.isVisible())) await this.bell.click();
    await this.center.locator('.notification-list-item', { hasText: text }).first().waitFor();
    await this.page.locator('.notifications-center [aria-label^="Clear All"]').click();
    await this.center.waitFor({ state: 'hidden' });
  }

  /** Presses a button of the dialog that asks. */
  async answer(button: string): Promise<void> {
    const { dialog } = this;
    await dialog.waitFor();
    await dialog.getByRole('button', { name: button, exact: true }).click();
    await dialog.waitFor({ state: 'detached' });
  }

  /** The question in the middle of the window. */
  get dialog(): Locator {
    return this.page.locator('.monaco-dialog-box');
  }

  private get bell(): Locator {
    return this.page.locator('.part.statusbar .statusbar-item[id="status.notifications"]');
  }

  private get center(): Locator {
    return this.page.locator('.notifications-center.visible');
  }
}
