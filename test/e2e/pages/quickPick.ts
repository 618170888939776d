import type { Locator, Page } from 'playwright-core';

/** The list or input at the top of the window: palette, choices, questions. */
export class QuickPick {
  constructor(private readonly page: Page) {}

  /** Runs a command by its title in the palette. */
  async runCommand(title: string): Promise<void> {
    await this.page.keyboard.press('F1');
    await this.input.waitFor();
    await this.input.fill(`>${title}`);
    await this.row(title).click();
  }

  async choose(label: string): Promise<void> {
    await this.row(label).click();
  }

  /** Types into the list, and chooses what is found. */
  async find(text: string, label: string): Promise<void> {
    await this.input.waitFor();
    await this.input.fill(text);
    await this.row(label).click();
  }

  /** Ticks a row of a list that takes several, and confirms. */
  async tick(label: string): Promise<void> {
    await this.row(label).click();
    await this.widget.getByRole('button', { name: 'OK' }).click();
  }

  async enter(text: string): Promise<void> {
    await this.input.waitFor();
    await this.input.fill(text);
    await this.page.keyboard.press('Enter');
  }

  private get widget(): Locator {
    return this.page.locator('.quick-input-widget');
  }

  private get input(): Locator {
    return this.widget.locator('.quick-input-box input');
  }

  private row(label: string): Locator {
    return this.widget.locator('.monaco-list-row', { hasText: label }).first();
  }
}
