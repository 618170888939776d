import * as assert from 'node:assert/strict';
import { startFeedServer, type FeedServer } from '../../examples/market/feed/feedServer.mjs';
import { eventually } from '../harness/eventually.ts';
import { leftProcesses } from '../harness/leftProcesses.mjs';
import { makeMarketWorkspace } from '../harness/marketWorkspace.ts';
import type { TestWorkspace } from '../harness/workspace.ts';
import { takeScreenshot, UPDATE_DOCS } from './pages/screenshot.ts';
import { VIEW_NAMES } from './pages/sideBar.ts';
import { ThemedWindows, type Theme } from './pages/themedWindows.ts';
import type { Workbench } from './pages/workbench.ts';
import { Trouble } from './trouble.ts';

/** The row of failed jobs below a queue, not the queue that has some. */
const FAILED_GROUP = /^\s*Failed\s*\d/;

/** The job that failed because of its payload, and not because the broker of the example is away. */
const REFUSED_PAYLOAD = /sync_positions(?![^]*broker)[^]*failed/;

describe('the example project in a workbench', function () {
  let feed: FeedServer;
  let workspace: TestWorkspace;
  let windows: ThemedWindows;
  let workbench: Workbench;

  before(async () => {
    feed = await startFeedServer({ port: 0 });
    workspace = makeMarketWorkspace(feed.url);
    windows = await ThemedWindows.start(workspace.folder);
    workbench = await windows.open('dark');
  });

  after(async () => {
    await windows.remove();
    await feed.close();
    workspace.remove();
  });

  afterEach(function () {
    return windows.keepFailure(this.currentTest);
  });

  async function withTrouble(use: (trouble: Trouble) => Promise<void>): Promise<void> {
    const trouble = await Trouble.connect(workspace.folder, windows.home);
    try {
      await use(trouble);
    } finally {
      await trouble.end();
    }
  }

  it('opens the five views, and each has live rows', async () => {
    const { sideBar } = workbench;
    const expected = {
      Streams: /nse/,
      Jobs: /websocket_data/,
      Schedules: /chain[^]*positions/,
      Locks: /nse/,
    };
    for (const name of ['Streams', 'Jobs', 'Schedules', 'Locks'] as const) {
      await sideBar.showOnly(name);
      await eventually(`rows in ${name}`, async () =>
        expected[name].test(await sideBar.textOf(name)),
      );
    }
  });

  it('tells in the status bar that the stream is live', async () => {
    await eventually('one of one live', async () =>
      /1\/1/.test(await workbench.statusBar.interlock.innerText()),
    );
  });

  it('shows ages of locks that tick', async () => {
    const { sideBar } = workbench;
    await sideBar.showOnly('Locks');
    const row = sideBar.rows('Locks', 'nse');
    const first = await row.innerText();
    await eventually('another age', async () => (await row.innerText()) !== first);
  });

  it('stops, starts and restarts a stream by its context menu', async () => {
    const { notifications, sideBar } = workbench;
    await sideBar.showOnly('Streams');
    const row = sideBar.rows('Streams', 'nse').first();
    await sideBar.chooseFromMenu(row, 'Stop Stream', notifications.dialog);
    await notifications.answer('Stop');
    await eventually('a stopped stream', async () => /stopped/.test(await row.innerText()));
    await sideBar.chooseFromMenu(row, 'Start Stream');
    await eventually('a live stream', async () => /live/.test(await row.innerText()));
    await sideBar.chooseFromMenu(row, 'Restart Stream', notifications.dialog);
    await notifications.answer('Restart');
    await eventually('a live stream again', async () => /live/.test(await row.innerText()));
  });

  it('enqueues a job whose payload its handler refuses, and shows why it failed', async () => {
    const { quickPick, sideBar } = workbench;
    await quickPick.runCommand('Interlock: Enqueue Job');
    await quickPick.choose('sync_positions');
    await quickPick.enter('{"wrong":"payload"}');
    await sideBar.showOnly('Jobs');
    await sideBar.expand(sideBar.rows('Jobs', FAILED_GROUP).first());
    const job = sideBar.rows('Jobs', REFUSED_PAYLOAD).first();
    await job.waitFor();
    await job.click();
    await eventually('the job in an editor', async () =>
      (await workbench.editorText()).includes('"sync_positions"'),
    );
  });

  it('requeues the failed job by its context menu', async () => {
    const { sideBar, notifications } = workbench;
    const job = sideBar.rows('Jobs', REFUSED_PAYLOAD).first();
    await sideBar.chooseFromMenu(job, 'Requeue Failed Jobs');
    await notifications.expect('Requeued jobs: 1.');
    // It fails again, and is delayed for two seconds in between.
    await job.waitFor({ state: 'detached' });
  });

  it('removes the failed job by its context menu, and asks first', async () => {
    const { sideBar, notifications } = workbench;
    await sideBar.expand(sideBar.rows('Jobs', FAILED_GROUP).first());
    const job = sideBar.rows('Jobs', REFUSED_PAYLOAD).first();
    await job.waitFor();
    await sideBar.chooseFromMenu(job, 'Remove Jobs', notifications.dialog);
    await notifications.answer('Remove');
    await notifications.expect('Removed jobs: 1.');
    await job.waitFor({ state: 'detached' });
  });

  it('pauses and resumes a queue by its context menu', async () => {
    const { sideBar } = workbench;
    await sideBar.showOnly('Jobs');
    const row = sideBar.rows('Jobs', 'default').first();
    await sideBar.chooseFromMenu(row, 'Pause Queue');
    await eventually('a paused queue', async () => /paused/.test(await row.innerText()));
    await sideBar.chooseFromMenu(row, 'Resume Queue');
    await eventually('an open queue', async () => !/paused/.test(await row.innerText()));
  });

  it('runs a schedule twice by its context menu: the second one is refused, and it says why', async () => {
    const { sideBar } = workbench;
    await sideBar.showOnly('Schedules');
    const row = sideBar.rows('Schedules', 'chain').first();
    await sideBar.chooseFromMenu(row, 'Run Schedule Now');
    await sideBar.chooseFromMenu(row, 'Run Schedule Now');
    await sideBar.showOnly('Decisions');
    const refused = sideBar.rows('Decisions', /chain[^]*already_/).first();
    await refused.waitFor();
    await sideBar.chooseFromMenu(refused, 'Show Decision');
    await eventually('the rule in words', async () =>
      /unique_key/.test(await workbench.editorText()),
    );
  });

  it('simulates duplicate enqueues from the palette, and shows a readable result', async () => {
    await simulateDuplicates(workbench);
  });

  it('frees the lock of a dead holder after a question with the proof', async () => {
    const { sideBar, notifications } = workbench;
    await withTrouble(async (trouble) => {
      const kept = await trouble.deadHolder();
      await sideBar.showOnly('Locks');
      const row = sideBar.rows('Locks', /nse_backup[^]*holder ended/).first();
      await sideBar.chooseFromMenu(row, 'Release Lock', notifications.dialog);
      await notifications.answer('Release');
      await notifications.expect(/release nse_backup: accepted/);
      await kept.release();
      await row.waitFor({ state: 'detached' });
    });
  });

  it('frees the lock of a holder that lives only for who types its name', async () => {
    const { sideBar, notifications, quickPick } = workbench;
    await withTrouble(async (trouble) => {
      await trouble.stoppedHolder();
      const row = sideBar.rows('Locks', /nse_options[^]*holder is stopped/).first();
      await sideBar.chooseFromMenu(row, 'Release Lock', notifications.dialog);
      await notifications.answer('Release…');
      await quickPick.enter('stream:nse_options');
      await notifications.expect(/release nse_options: accepted/);
      await row.waitFor({ state: 'detached' });
    });
  });

  for (const theme of ['dark', 'light'] as const) {
    it(`takes screenshots in a ${theme} theme`, async function () {
      this.timeout(180_000);
      const window = theme === 'dark' ? workbench : await windows.open(theme);
      await takeScreenshots(window, theme);
      await withTrouble((trouble) => takeTroubleScreenshots(window, theme, trouble));
      if (window !== workbench) await window.page.close();
    });
  }

  it('leaves nothing running when the last window closes', async () => {
    assert.notEqual(
      (await leftProcesses(windows.home, 0)).length,
      0,
      'they are seen while they run',
    );
    await workbench.page.close();
    await windows.expectNothingLeft();
  });
});

async function simulateDuplicates(workbench: Workbench): Promise<void> {
  const { quickPick } = workbench;
  await quickPick.runCommand('Interlock: Simulate Duplicate Enqueues');
  await quickPick.choose('chain_state_monitor');
  await quickPick.choose('Protected');
  const look = async () => /Accepted\D+1\b/i.test(await workbench.editorText());
  await eventually('the result', look, { deadlineMs: 40_000 });
}

async function takeScreenshots(workbench: Workbench, theme: Theme): Promise<void> {
  const { page, sideBar } = workbench;
  for (const name of VIEW_NAMES) {
    await sideBar.showOnly(name);
    const first = sideBar.rows(name).first();
    await first.waitFor();
    if (name === 'Streams') await sideBar.expand(first);
    await page.mouse.move(900, 500);
    await takeScreenshot(sideBar.root, `${theme}-${name.toLowerCase()}`);
  }
  await sideBar.showAll();
  await simulateDuplicates(workbench);
  // VS Code's own extensions take half a minute, and only a published picture is worth that.
  if (UPDATE_DOCS)
    await page.getByText('Activating Extensions').waitFor({ state: 'hidden', timeout: 60_000 });
  await page.mouse.move(900, 500);
  await takeScreenshot(page, `${theme}-overview`);
}

/** Locks that need a person, and many equal refusals. */
async function takeTroubleScreenshots(
  { page, sideBar, statusBar }: Workbench,
  theme: Theme,
  trouble: Trouble,
): Promise<void> {
  await Promise.all([trouble.deadHolder(), trouble.stoppedHolder(), trouble.agedRuns()]);
  await trouble.refusals();
  await sideBar.showOnly('Locks');
  for (const text of [/holder ended/, /emergency/, /long/, /holder is stopped/])
    await sideBar.rows('Locks', text).first().waitFor();
  await page.mouse.move(900, 500);
  await takeScreenshot(sideBar.root, `${theme}-locks-trouble`);
  await sideBar.showOnly('Decisions');
  await sideBar
    .rows('Decisions', /\d+×[^]*already_/)
    .first()
    .waitFor();
  await page.mouse.move(900, 500);
  await takeScreenshot(sideBar.root, `${theme}-decisions-refused`);
  await sideBar.showOnly('Jobs');
  await sideBar.expand(sideBar.rows('Jobs', /^\s*Active/).first());
  await sideBar
    .rows('Jobs', /running 57 min/)
    .first()
    .waitFor();
  // The agent looks at ages every 5 s, and a busy machine takes its time for it.
  await eventually('the status bar to tell of the worst', async () =>
    /signet.*running 57 min.*emergency/.test(await statusBar.spoken()),
  );
  await page.mouse.move(900, 500);
  await takeScreenshot(page, `${theme}-jobs-aged`);
}
