import { chromium, type Browser, type Page } from 'playwright-core';

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
];

/** The size of the screenshots in the documentation. */
const VIEWPORT = { width: 1280, height: 800 };

/** A click that finds nothing to click in that time fails. */
const ACTION_TIMEOUT_MS = 15_000;

export function launchBrowser(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, args: FLAGS, headless: true });
}

/** A page in a profile of its own, so that no window remembers another. */
export async function newPage(browser: Browser, scheme: 'dark' | 'light' = 'dark'): Promise<Page> {
  const context = await browser.newContext({ viewport: VIEWPORT, colorScheme: scheme });
  context.setDefaultTimeout(ACTION_TIMEOUT_MS);
  return context.newPage();
}
