import type { Locator, Page } from 'playwright-core';

export class StatusBar {
  constructor(private readonly page: Page) {}

  get interlock(): Locator {
    return this.page.locator('.part.statusbar .statusbar-item[id*="interlock.status"]');
  }

  /** What a screen reader says. */
  async spoken(): Promise<string> {
    return (await this.interlock.locator('a').first().getAttribute('aria-label')) ?? '';
  }
}
