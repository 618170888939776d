// Which VS Code the extension tests run in: a downloaded one where that works, code-server otherwise.
/* global AbortSignal */
import path from 'node:path';
import { codeServerPaths, ensureCodeServer, testCacheFolder } from './codeServer.mjs';
import { say } from './runLogged.mjs';
import { ensureProgram } from './systemPackages.mjs';

const RELEASES_URL = 'https://update.code.visualstudio.com/api/releases/stable';
const PROBE_TIMEOUT_MS = 4_000;

/** Set to `code-server` or `electron` to decide instead of asking the network. */
const HOST_VARIABLE = 'INTERLOCK_TEST_HOST';

/** @returns {Promise<'electron' | 'code-server'>} */
export async function chooseTestHost() {
  const asked = process.env[HOST_VARIABLE];
  if (asked === 'electron' || asked === 'code-server') return asked;
  return (await canDownloadVscode()) ? 'electron' : 'code-server';
}

async function canDownloadVscode() {
  // A desktop VS Code needs a display; a Linux machine without one runs code-server.
  if (process.platform === 'linux' && !process.env.DISPLAY && !process.env.WAYLAND_DISPLAY)
    return false;
  try {
    const answer = await fetch(RELEASES_URL, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    return answer.ok;
  } catch {
    return false;
  }
}

export function vscodeCacheFolder() {
  return path.join(testCacheFolder(), 'vscode');
}

/** Makes a real VS Code ready; the end-to-end tests always need code-server and a browser. */
export async function ensureTestHost() {
  const host = await chooseTestHost();
  say(`extension tests run in ${host === 'electron' ? 'a downloaded VS Code' : 'code-server'}`);
  if (host === 'electron') {
    const { downloadAndUnzipVSCode } = await import('@vscode/test-electron');
    await downloadAndUnzipVSCode({ cachePath: vscodeCacheFolder() });
  }
  await ensureCodeServer();
  return host;
}

/** What a test needs to open the workbench in a browser. */
export async function workbenchParts() {
  return { ...codeServerPaths(), chromium: await ensureProgram('chromium') };
}
