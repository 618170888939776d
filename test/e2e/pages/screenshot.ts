import { copyFileSync, mkdirSync } from 'node:fs';
import * as path from 'node:path';
import type { Locator, Page } from 'playwright-core';
import { PROJECT_ROOT } from '../../harness/workspace.ts';
import { SCREENSHOTS } from './themedWindows.ts';

/** Whether what is taken is published in docs/screenshots. */
export const UPDATE_DOCS = process.env['INTERLOCK_UPDATE_DOCS'] === '1';

const DOCS = path.join(PROJECT_ROOT, 'docs', 'screenshots');

/** @param name without its ending, such as `dark-jobs` */
export async function takeScreenshot(of: Page | Locator, name: string): Promise<void> {
  const file = path.join(SCREENSHOTS, `${name}.png`);
  await of.screenshot({ path: file });
  if (!UPDATE_DOCS) return;
  mkdirSync(DOCS, { recursive: true });
  copyFileSync(file, path.join(DOCS, path.basename(file)));
}
