/** Runs the suite in a real extension host: of a downloaded VS Code, or of code-server. */
import { appendFileSync, mkdirSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import { runTests } from '@vscode/test-electron';
import * as esbuild from 'esbuild';
import { chooseTestHost, vscodeCacheFolder } from '../../.ci/testHost.mjs';
import { startFeedServer } from '../../examples/market/feed/feedServer.mjs';
import { launchBrowser, newPage } from '../harness/browser.ts';
import { CodeServer } from '../harness/codeServer.ts';
import { makeExtensionWorkspace } from '../harness/extensionWorkspace.ts';
import { HOST_VARIABLE } from '../harness/resultReporter.ts';
import { PROJECT_ROOT } from '../harness/workspace.ts';

const SUITE_LIMIT_MS = 600_000;
const SYMBOLS = ['NSE:TCS25JULFUT', 'NSE:INFY25JULFUT'];

const OUTPUT_FOLDER = path.join(PROJECT_ROOT, 'test-results', 'extension');

/** Everything that the page and the extension host said. */
const LOG_FILE = path.join(OUTPUT_FOLDER, 'window.log');

interface Run {
  workspace: string;
  suite: string;
  env: Record<string, string>;
}

async function main(): Promise<number> {
  rmSync(OUTPUT_FOLDER, { recursive: true, force: true });
  mkdirSync(OUTPUT_FOLDER, { recursive: true });
  const suite = await bundleSuite();
  const feed = await startFeedServer({ port: 0, ratePerSecond: 50 });
  const workspace = makeExtensionWorkspace(feed.url, SYMBOLS);
  const run = { workspace: workspace.folder, suite, env: { [HOST_VARIABLE]: '1' } };
  try {
    const host = await chooseTestHost();
    const code = host === 'electron' ? await runInElectron(run) : await runInCodeServer(run);
    if (code !== 0) process.stderr.write(`The window's log is in ${LOG_FILE}\n`);
    return code;
  } finally {
    await feed.close();
    workspace.remove();
  }
}

/** mocha stays outside of the bundle: it finds its own files by their place. */
async function bundleSuite(): Promise<string> {
  const outfile = path.join(OUTPUT_FOLDER, 'suite.cjs');
  await esbuild.build({
    entryPoints: [path.join(PROJECT_ROOT, 'test/extension/suite/index.ts')],
    outfile,
    ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20.19', logLevel: 'warning' },
    sourcemap: 'inline',
    mainFields: ['module', 'main'],
    external: ['vscode', 'mocha'],
  });
  return outfile;
}

async function runInElectron({ workspace, suite, env }: Run): Promise<number> {
  return runTests({
    cachePath: vscodeCacheFolder(),
    extensionDevelopmentPath: PROJECT_ROOT,
    extensionTestsPath: suite,
    extensionTestsEnv: env,
    launchArgs: [workspace, '--disable-extensions', '--disable-workspace-trust', '--skip-welcome'],
  });
}

async function runInCodeServer({ workspace, suite, env }: Run): Promise<number> {
  const server = await CodeServer.start({ env });
  const browser = await launchBrowser(server.chromium);
  try {
    const page = await newPage(browser);
    await page.exposeFunction('codeAutomationLog', (level: string, words: unknown[]) =>
      appendFileSync(LOG_FILE, `${level} ${words.map(String).join(' ')}\n`),
    );
    const ended = new Promise<number>((resolve, reject) => {
      setTimeout(
        () => reject(new Error(`no end after ${SUITE_LIMIT_MS} ms`)),
        SUITE_LIMIT_MS,
      ).unref();
      page
        .exposeFunction('codeAutomationExit', (code: number) => resolve(code))
        .then(() =>
          page.goto(server.windowUrl({ workspace, extension: PROJECT_ROOT, tests: suite })),
        )
        .catch(reject);
    });
    return await ended.catch(async (error: unknown) => {
      await page.screenshot({ path: path.join(OUTPUT_FOLDER, 'failed.png') });
      throw error;
    });
  } finally {
    await browser.close();
    await server.remove();
  }
}

main().then(
  (code) => {
    process.exitCode = code;
  },
  (error: unknown) => {
    process.stderr.write(`${String(error instanceof Error ? error.stack : error)}\n`);
    process.exitCode = 1;
  },
);
