import type { Locator, Page } from 'playwright-core';
import { eventually } from '../../harness/eventually.ts';

export type ViewName = 'Streams' | 'Jobs' | 'Schedules' | 'Locks' | 'Decisions';

export const VIEW_NAMES: readonly ViewName[] = [
  'Streams',
  'Jobs',
  'Schedules',
  'Locks',
  'Decisions',
];

/** A row that moved away under the pointer is looked for again. */
const CLICK_MS = 2_000;
/** How long what a menu entry opens may take. */
const OPENS_MS = 5_000;

/** Wide enough for a row's description. */
const WIDTH = 520;

/** The Interlock container with its five views. */
export class SideBar {
  constructor(private readonly page: Page) {}

  get root(): Locator {
    return this.page.locator('.part.sidebar');
  }

  async open(): Promise<void> {
    await this.page.locator('.activitybar .action-item [aria-label^="Interlock"]').first().click();
    await this.header('Streams').waitFor();
  }

  /** Drags the border of the side bar. */
  async widen(): Promise<void> {
    const box = await this.root.boundingBox();
    if (box === null) throw new Error('The side bar is not shown');
    const y = box.y + box.height / 2;
    await this.page.mouse.move(box.x + box.width + 1, y);
    await this.page.mouse.down();
    await this.page.mouse.move(box.x + WIDTH, y, { steps: 5 });
    await this.page.mouse.up();
  }

  /** Opens this view and closes the others, so that all its rows have room. */
  async showOnly(name: ViewName): Promise<void> {
    for (const other of VIEW_NAMES) await this.setExpanded(other, other === name);
  }

  async showAll(): Promise<void> {
    for (const name of VIEW_NAMES) await this.setExpanded(name, true);
  }

  /** Rows of a view, by what stands in them. */
  rows(name: ViewName, text?: string | RegExp): Locator {
    const rows = this.pane(name).locator('.monaco-list-row');
    return text === undefined ? rows : rows.filter({ hasText: text });
  }

  /** The whole text of a view, as a person reads it. */
  async textOf(name: ViewName): Promise<string> {
    return (await this.rows(name).allInnerTexts()).join('\n');
  }

  async expand(row: Locator): Promise<void> {
    await row.waitFor();
    await toggled(row, true, row.locator('.monaco-tl-twistie'), 'the row');
  }

  /**
   * Chooses an entry of a row's context menu. Rows move and change while jobs run, so a menu
   * without the entry is closed and opened again.
   * @param opens what the entry opens: it is chosen again when that does not come
   */
  async chooseFromMenu(row: Locator, entry: string, opens?: Locator): Promise<void> {
    await this.chooseOnce(row, entry);
    // A click that comes while a menu is still deaf closes it, and does nothing.
    for (let tries = 0; opens !== undefined && tries < 2; tries += 1) {
      const isOpen = await opens.waitFor({ timeout: OPENS_MS }).then(
        () => true,
        () => false,
      );
      if (isOpen) return;
      await this.chooseOnce(row, entry);
    }
  }

  private async chooseOnce(row: Locator, entry: string): Promise<void> {
    const menu = this.page.locator('.monaco-menu');
    const item = menu.locator('.action-label', { hasText: entry }).first();
    await eventually(
      `a menu with ${entry}`,
      async () => {
        // A menu of an attempt before that came late would take the click.
        if (await menu.first().isVisible()) await this.page.keyboard.press('Escape');
        await menu.first().waitFor({ state: 'detached', timeout: CLICK_MS });
        await row.click({ button: 'right', timeout: CLICK_MS });
        await menu.first().waitFor({ timeout: CLICK_MS });
        return item.isVisible();
      },
      { deadlineMs: 60_000, everyMs: 150 },
    );
    // A menu that is new takes no click for a while, and a busy window may lose one; keys it takes, for
    // the entry that has the focus: a busy window may be late with that, too.
    const focused = menu.locator('.action-item.focused', { hasText: entry }).first();
    let x = 6;
    await eventually(`${entry} to have the focus`, async () => {
      x = x === 6 ? 12 : 6;
      await item.hover({ position: { x, y: 6 }, timeout: CLICK_MS });
      return focused.isVisible();
    });
    await this.page.keyboard.press('Enter');
    await menu.first().waitFor({ state: 'detached' });
  }

  private pane(name: ViewName): Locator {
    return this.root.locator('.pane', { has: this.page.locator(headerOf(name)) });
  }

  private header(name: ViewName): Locator {
    return this.root.locator(headerOf(name));
  }

  private async setExpanded(name: ViewName, expanded: boolean): Promise<void> {
    const header = this.header(name);
    await toggled(header, expanded, header, `the view ${name}`);
  }
}

function headerOf(name: ViewName): string {
  return `.pane-header[aria-label^="${name}"]`;
}

/** What is drawn anew while it is clicked, or in a busy window, stays as it is: it is clicked again. */
async function toggled(
  element: Locator,
  expanded: boolean,
  button: Locator,
  what: string,
): Promise<void> {
  const wanted = String(expanded);
  const is = () => element.getAttribute('aria-expanded', { timeout: CLICK_MS });
  await eventually(`${what} to be ${expanded ? 'open' : 'closed'}`, async () => {
    if ((await is()) === wanted) return true;
    await button.click({ timeout: CLICK_MS });
    return eventually('the click to be taken', async () => (await is()) === wanted, {
      deadlineMs: OPENS_MS,
    });
  });
}
