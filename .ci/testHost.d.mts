/** The extension tests' host: see testHost.mjs. */
export function chooseTestHost(): Promise<'electron' | 'code-server'>;
export function workbenchParts(): Promise<{
  folder: string;
  node: string;
  serverMain: string;
  chromium: string;
}>;
export function vscodeCacheFolder(): string;
