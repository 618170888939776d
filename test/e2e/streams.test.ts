import * as assert from 'node:assert/strict';
import { copyFileSync, mkdirSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import * as path from 'node:path';
import type { Browser } from 'playwright-core';
import { AnySymbolFeed } from '../harness/anySymbolFeed.ts';
import { launchBrowser, newPage } from '../harness/browser.ts';
import { CodeServer } from '../harness/codeServer.ts';
import { eventually } from '../harness/eventually.ts';
import { leftProcesses } from '../harness/leftProcesses.mjs';
import { portOf } from '../harness/portOf.ts';
import { makeWorkspace, PROJECT_ROOT, type TestWorkspace } from '../harness/workspace.ts';
import { FeedProcess } from '../process/streams/feedProcess.ts';
import { Workbench } from './pages/workbench.ts';

const UPDATE_DOCS = process.env['INTERLOCK_UPDATE_DOCS'] === '1';
const SCREENSHOTS = path.join(PROJECT_ROOT, 'test-results', 'screenshots');
const DOCS = path.join(PROJECT_ROOT, 'docs', 'screenshots');

/** Seconds that the agent waits after its last window; long enough for a window to reload. */
const IDLE_EXIT_S = 5;
const LEAVE_DEADLINE_MS = 25_000;

const THEMES = { dark: 'Default Dark Modern', light: 'Default Light Modern' } as const;
type Theme = keyof typeof THEMES;

/** What a row says in each state that a connection can be in for a while. */
const STATES = [/live/, /silent/, /reconnecting/, /suspended/, /sleeping/];

describe('streams in every state in a workbench', function () {
  let feed: AnySymbolFeed;
  let quiet: FeedProcess;
  let refusing: Server;
  let workspace: TestWorkspace;
  let server: CodeServer;
  let browser: Browser;
  let workbench: Workbench;

  before(async () => {
    mkdirSync(SCREENSHOTS, { recursive: true });
    feed = await AnySymbolFeed.start(50);
    quiet = await FeedProcess.start();
    refusing = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    workspace = makeWorkspace(configOf(feed, quiet, refusing), {
      'store.ts': 'export default () => undefined;\n',
    });
    server = await CodeServer.start({ settings: settingsOf('dark') });
    browser = await launchBrowser(server.chromium);
    workbench = await openWindow('dark');
  });

  after(async () => {
    await browser.close();
    await server.remove();
    await quiet.kill();
    refusing.close();
    await feed.close();
    workspace.remove();
  });

  afterEach(async function () {
    if (this.currentTest?.state !== 'failed' || workbench.page.isClosed()) return;
    const name = this.currentTest.title.replaceAll(/[^\w]+/g, '-');
    await workbench.page.screenshot({ path: path.join(SCREENSHOTS, `failed-${name}.png`) });
  });

  async function openWindow(theme: Theme): Promise<Workbench> {
    server.changeSettings(settingsOf(theme));
    const page = await newPage(browser, theme);
    const paths = { workspace: workspace.folder, extension: PROJECT_ROOT };
    const opened = await Workbench.open(page, server.windowUrl(paths));
    await opened.sideBar.open();
    await opened.sideBar.widen();
    return opened;
  }

  /** A silent server is silent for 4 s, then its connection is cut: that is when the picture is taken. */
  async function showEveryState(theme: Theme): Promise<void> {
    const { page, sideBar } = workbench;
    await sideBar.showOnly('Streams');
    for (const name of ['nse', 'asleep', 'refused', 'unreachable', 'quiet']) {
      const row = sideBar.rows('Streams', new RegExp(`^\\s*${name}`)).first();
      await row.waitFor();
      await sideBar.expand(row);
    }
    await eventually('the quiet one to be live', async () =>
      /quiet\s*live/.test(await sideBar.textOf('Streams')),
    );
    quiet.freeze();
    await eventually(
      'every state at one time',
      async () => {
        const text = await sideBar.textOf('Streams');
        return STATES.every((state) => state.test(text));
      },
      { deadlineMs: 40_000, everyMs: 100 },
    );
    await page.mouse.move(900, 500);
    const file = `${theme}-streams-states.png`;
    await sideBar.root.screenshot({ path: path.join(SCREENSHOTS, file) });
    quiet.unfreeze();
    if (UPDATE_DOCS) copyFileSync(path.join(SCREENSHOTS, file), path.join(DOCS, file));
  }

  it('shows live, silent, reconnecting, suspended and sleeping ones in a dark theme', () =>
    showEveryState('dark'));

  it('tells in the status bar how many are live of those that should be, and that one needs a person', async () => {
    const spoken = await workbench.statusBar.spoken();
    assert.match(spoken, /\d of 6 connections live, suspended: refused/);
    assert.match(await workbench.statusBar.interlock.innerText(), /\d\/6/);
  });

  it('resumes a suspended stream by its context menu', async () => {
    const { sideBar } = workbench;
    const row = sideBar.rows('Streams', /^\s*refused/).first();
    await eventually('it to be suspended', async () => /suspended/.test(await row.innerText()));
    await sideBar.chooseFromMenu(row, 'Resume');
    // The server refuses it again, which is the proof that it was asked.
    await eventually('another answer', async () => /suspended/.test(await row.innerText()));
  });

  it('shows them in a light theme', async () => {
    await workbench.page.close();
    workbench = await openWindow('light');
    await showEveryState('light');
  });

  it('leaves nothing running when the last window closes', async () => {
    await workbench.page.close();
    await server.stop();
    const left = await leftProcesses(server.home, LEAVE_DEADLINE_MS);
    assert.deepEqual(
      left.map(({ command }) => command),
      [],
    );
  });
});

function configOf(feed: AnySymbolFeed, quiet: FeedProcess, refusing: Server): object {
  const job = 'store';
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
  const today = new Date();
  const holidays = [0, 1].map((day) =>
    new Date(today.getTime() + day * 86_400_000).toISOString().slice(0, 10),
  );
  const connectionDelay = 0;
  return {
    jobs: { store: { handler: './store.ts', queue: 'websocket_data' } },
    streams: {
      nse: {
        ...{ url: feed.url, job, connectionDelay, symbolsPerConnection: 4 },
        symbols: Array.from({ length: 12 }, (_, index) => `NSE:STOCK${index}`),
      },
      quiet: { url: quiet.url, job, symbols: ['NSE:TCS25JULFUT', 'NSE:SBIN25JULFUT'] },
      unreachable: { url: 'ws://127.0.0.1:9/ticks', job, symbols: ['GOLD', 'SILVER'] },
      refused: { url: `ws://127.0.0.1:${portOf(refusing)}/ticks`, job, symbols: ['EURUSD'] },
      asleep: {
        ...{ url: feed.url, job, symbols: ['NIFTY', 'BANKNIFTY'] },
        hours: { timezone: 'UTC', open: '09:15', close: '15:30', days, holidays },
      },
    },
  };
}

function settingsOf(theme: Theme): Record<string, unknown> {
  return {
    'workbench.colorTheme': THEMES[theme],
    'window.autoDetectColorScheme': false,
    'interlock.agentIdleExit': IDLE_EXIT_S,
  };
}
