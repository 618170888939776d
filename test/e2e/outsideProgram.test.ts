import * as assert from 'node:assert/strict';
import { Queue } from 'bullmq';
import { startBareWorker } from '../harness/bareWorker.ts';
import type { StartedProcess } from '../harness/childProcess.ts';
import { eventually } from '../harness/eventually.ts';
import { RedisServer } from '../harness/redisServer.ts';
import { makeWorkspace, type TestWorkspace } from '../harness/workspace.ts';
import { takeScreenshot } from './pages/screenshot.ts';
import { ThemedWindows, type Theme } from './pages/themedWindows.ts';
import type { Workbench } from './pages/workbench.ts';

const HOUR_MS = 3_600_000;

describe('an application with BullMQ that nothing was configured for, in a workbench', () => {
  let redis: RedisServer;
  let queue: Queue;
  let worker: StartedProcess;
  let workspace: TestWorkspace;
  let windows: ThemedWindows;
  let workbench: Workbench;

  before(async () => {
    redis = await RedisServer.start();
    queue = new Queue('emails', { connection: redis.client() });
    worker = await startBareWorker({ url: redis.url, queue: 'emails', name: 'mailer' });
    const deduplication = { id: 'a@example.com' };
    await queue.add('send', { to: 'a@example.com', waitMs: HOUR_MS }, { deduplication });
    await queue.upsertJobScheduler('digest', { pattern: '0 3 * * *', tz: 'Asia/Kolkata' });
    await queue.upsertJobScheduler('bounces', { every: HOUR_MS, limit: 1 }, { name: 'wait' });
    await queue.upsertJobScheduler('invoices', {
      ...{ every: HOUR_MS, startDate: Date.now() + HOUR_MS },
    });
    const lost = (await queue.getDelayed()).find(({ repeatJobKey }) => repeatJobKey === 'invoices');
    await redis.client().del(queue.toKey(lost?.id ?? ''));
    workspace = makeWorkspace({ redis: { url: redis.url } });
    windows = await ThemedWindows.start(workspace.folder);
    workbench = await windows.open('dark');
  });

  after(async () => {
    await windows.remove();
    worker.child.kill('SIGKILL');
    await worker.ended;
    await queue.close();
    await redis.stop();
    workspace.remove();
  });

  afterEach(function () {
    return windows.keepFailure(this.currentTest);
  });

  async function showSchedules(theme: Theme): Promise<void> {
    const { page, sideBar } = workbench;
    await sideBar.showOnly('Schedules');
    const stuck = sideBar.rows('Schedules', /emails\/invoices/).first();
    await eventually('its schedules', async () =>
      /digest[^]*BullMQ/.test(await sideBar.textOf('Schedules')),
    );
    assert.match(await stuck.innerText(), /stuck/);
    await sideBar.expand(stuck);
    await sideBar.rows('Schedules', /upsertJobScheduler/).waitFor();
    await page.mouse.move(900, 500);
    await takeScreenshot(sideBar.root, `${theme}-schedules-outside`);
  }

  it('shows its queue, and its job with the worker that runs it', async () => {
    const { sideBar } = workbench;
    await sideBar.showOnly('Jobs');
    await sideBar.rows('Jobs', /^\s*emails/).waitFor();
    await sideBar.expand(sideBar.rows('Jobs', /^\s*emails/).first());
    await sideBar.expand(sideBar.rows('Jobs', /^\s*Active/).first());
    await sideBar.rows('Jobs', /a@example\.com/).waitFor();
  });

  it('shows its locks', async () => {
    const { sideBar } = workbench;
    await sideBar.showOnly('Locks');
    await sideBar
      .rows('Locks', /a@example\.com/)
      .first()
      .waitFor();
  });

  it('shows its schedules, and one that is stuck, in a dark theme', () => showSchedules('dark'));

  it('shows them in a light theme', async () => {
    await workbench.page.close();
    workbench = await windows.open('light');
    await showSchedules('light');
  });

  it('leaves nothing running when the last window closes', async () => {
    await workbench.page.close();
    await windows.expectNothingLeft();
  });
});
