import * as assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { AnySymbolFeed } from '../harness/anySymbolFeed.ts';
import { eventually } from '../harness/eventually.ts';
import { portOf } from '../harness/portOf.ts';
import { makeWorkspace, type TestWorkspace } from '../harness/workspace.ts';
import { FeedProcess } from '../process/streams/feedProcess.ts';
import { takeScreenshot } from './pages/screenshot.ts';
import { ThemedWindows, type Theme } from './pages/themedWindows.ts';
import type { Workbench } from './pages/workbench.ts';

/** What a row says in each state that a connection can be in for a while. */
const STATES = [/live/, /silent/, /reconnecting/, /suspended/, /sleeping/];

describe('streams in every state in a workbench', function () {
  let feed: AnySymbolFeed;
  let quiet: FeedProcess;
  let refusing: Server;
  let workspace: TestWorkspace;
  let windows: ThemedWindows;
  let workbench: Workbench;

  before(async () => {
    feed = await AnySymbolFeed.start(50);
    quiet = await FeedProcess.start();
    refusing = createServer((_request, response) => response.writeHead(404).end());
    await new Promise<void>((resolve) => refusing.listen(0, '127.0.0.1', resolve));
    workspace = makeWorkspace(configOf(feed, quiet, refusing), {
      'store.ts': 'export default () => undefined;\n',
    });
    windows = await ThemedWindows.start(workspace.folder);
    workbench = await windows.open('dark');
  });

  after(async () => {
    await windows.remove();
    await quiet.kill();
    refusing.close();
    await feed.close();
    workspace.remove();
  });

  afterEach(function () {
    return windows.keepFailure(this.currentTest);
  });

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
    await takeScreenshot(sideBar.root, `${theme}-streams-states`);
    quiet.unfreeze();
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
    workbench = await windows.open('light');
    await showEveryState('light');
  });

  it('leaves nothing running when the last window closes', async () => {
    await workbench.page.close();
    await windows.expectNothingLeft();
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
