import * as assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as vscode from 'vscode';
import { requests } from '../../../agent/protocol/api.ts';
import type { TreeRow } from '../../../src/api.ts';
import { COMMANDS, VIEWS } from '../../../src/contributions.ts';
import { AgentRedis, deadHolder, stoppedProcess } from '../../harness/agentRedis.ts';
import { eventually } from '../../harness/eventually.ts';
import { answering } from './answering.ts';
import {
  enqueue,
  interlock,
  openingMs,
  rowsOf,
  snapshot,
  waitForJob,
  waitForState,
  withClient,
  workspaceFolder,
} from './interlock.ts';

const MINUTE_MS = 60_000;
const MANY = 10_000;
/** As many as a window gets unasked. */
const PAGE = 200;
const OPEN_LIMIT_MS = 1_000;

describe('the Locks view', () => {
  let redis: AgentRedis;
  let stopped: ChildProcess | undefined;

  before(async () => {
    await waitForState('running');
    redis = AgentRedis.open((await snapshot()).agent['agent']?.redis.address ?? '');
  });

  after(async () => {
    stopped?.kill('SIGKILL');
    await redis.close();
  });

  const lockRow = (label: string, looks: (row: TreeRow) => boolean) =>
    eventually(`the lock ${label}`, async () => {
      const found = (await rowsOf(VIEWS.locks)).find((row) => row.label === label);
      return found !== undefined && looks(found) && found;
    });

  const gone = (name: string) =>
    eventually(`${name} to be gone`, async () => !(name in (await snapshot()).locks));

  const lastDecision = async (action: 'release') => {
    const { rows } = await withClient((client) =>
      client.request(requests.decisions, { action, limit: 1 }),
    );
    return rows[0];
  };

  it('marks a run that goes on for too long, there and in the Jobs view, worse with time', async () => {
    const until = path.join(workspaceFolder(), 'open-aged');
    const id = await enqueue('wait', { until });
    await waitForJob(id, 'active');
    const startedBefore = async (minutes: number) => {
      const job = redis.keys.job('slow', id);
      await redis.redis.hset(job, 'processedOn', Date.now() - minutes * MINUTE_MS);
      // The agent reads a queue again when something happens in it.
      await withClient((client) => client.request(requests.resumeQueue, { queue: 'slow' }));
    };
    const jobRow = (looks: (row: TreeRow) => boolean) =>
      eventually('the row of the job', async () => {
        const row = (await rowsOf(VIEWS.jobs)).find((one) => one.id.endsWith(`/${id}`));
        return row !== undefined && looks(row);
      });
    const alert = (level: string) =>
      eventually('an alert', async () =>
        (await snapshot()).agent['agent']?.alerts.some((one) => one.level === level),
      );

    await startedBefore(32);
    const aged = await lockRow(`wait [${until}]`, ({ description }) => / long /.test(description));
    assert.match(aged.description, /^32 min( \d+ s)? · long · /);
    assert.equal(aged.icon, 'lock list.warningForeground');
    await jobRow(
      ({ description, icon }) =>
        /^running 32 min .*critical/.test(description) &&
        icon === 'warning problemsWarningIcon.foreground',
    );
    await alert('critical');

    await startedBefore(56);
    const worse = await lockRow(`wait [${until}]`, (row) => /emergency/.test(row.description));
    assert.equal(worse.icon, 'flame testing.iconFailed');
    assert.equal((await rowsOf(VIEWS.locks))[0]?.id, worse.id, 'it stands on top');
    await alert('emergency');

    await vscode.commands.executeCommand(COMMANDS.lockShowDecisions, `run:slow/${id}`);
    const labels = (await rowsOf(VIEWS.decisions)).map(({ label }) => label);
    assert.ok(labels.some((label) => label === `enqueue wait [${until}]`));
    assert.ok(labels.every((label) => !label.includes('echo')));
    await vscode.commands.executeCommand(COMMANDS.decisionsClearFilter);

    writeFileSync(until, '');
    await waitForJob(id, 'completed');
    await gone(`run:slow/${id}`);
  });

  it('shows a dead holder on top, and frees its lock after a question with the proof', async () => {
    const holder = deadHolder();
    const kept = await redis.keep(() => redis.lease('stream:dead', holder, 5 * MINUTE_MS));
    const row = await lockRow('dead', ({ contextValue }) => contextValue === 'lock+dead');
    assert.match(row.description, /^holder ended · 5 min/);
    assert.equal(row.icon, 'warning testing.iconFailed');
    assert.equal((await rowsOf(VIEWS.locks))[0]?.id, row.id, 'it stands on top');

    await eventually('a release', async () => {
      const asked = await answering({ button: 'Release' }, () =>
        vscode.commands.executeCommand(COMMANDS.lockRelease, 'stream:dead'),
      );
      assert.match(asked.messages[0] ?? '', new RegExp(`Process ${holder.pid} on .* has ended`));
      const decision = await lastDecision('release');
      return decision?.outcome === 'accepted' && decision.reason === 'holder_dead';
    });
    await kept.release();
    await gone('stream:dead');
  });

  it('marks a holder whose process is stopped; only who types the name frees its lock', async () => {
    const { holder, process } = stoppedProcess('other-agent');
    stopped = process;
    await redis.lease('stream:frozen', holder, MINUTE_MS);
    const row = await lockRow('frozen', ({ description }) => /stopped/.test(description));
    assert.match(row.description, /^holder is stopped · 1 min/);
    assert.equal(row.icon, 'debug-pause charts.blue');
    const release = (input: string | undefined) =>
      answering({ button: 'Release…', ...(input === undefined ? {} : { input }) }, () =>
        vscode.commands.executeCommand(COMMANDS.lockRelease, 'stream:frozen'),
      );

    const asked = await release('stream:other');
    assert.match(asked.messages[0] ?? '', /may go on\. The token moves on: .* is refused/);
    assert.equal(asked.messages.length, 1, 'nothing was asked of the agent');
    await release(undefined);
    assert.notEqual(await redis.redis.exists(redis.keys.lease('stream:frozen')), 0);

    await release('stream:frozen');
    assert.equal((await lastDecision('release'))?.reason, 'released_by_person');
    await gone('stream:frozen');
  });

  it('shows a uniqueness key whose job is gone', async () => {
    const key = redis.keys.deduplication('default', 'echo|["orphan"]');
    const kept = await redis.keep(async () => {
      await redis.redis.set(key, 'no-such-job');
      // Keys without an index are looked for when someone asks.
      await withClient((client) => client.request(requests.locks, { kind: 'dedup' }));
    });
    const row = await lockRow('echo [orphan]', ({ icon }) => icon.startsWith('debug-disconnect'));
    assert.match(row.description, /^orphaned/);
    assert.equal(row.contextValue, 'lock+orphaned+job');

    await kept.release();
    await gone('dedup:default/echo|["orphan"]');
  });

  it('finds orphans, removes nothing before it was asked to, and then does', async () => {
    const key = redis.keys.deduplication('default', 'echo|["left"]');
    const kept = await redis.keep(() => redis.redis.set(key, 'no-such-job'));
    const find = (answers: Parameters<typeof answering>[0]) =>
      answering(answers, () => vscode.commands.executeCommand(COMMANDS.orphansFind));
    const list = await eventually('the orphan in the list', async () => {
      const { lists } = await find({});
      return lists[0]?.some((line) => line.includes('left')) === true && lists[0];
    });
    assert.match(list[0] ?? '', /Remove all \d+…/);
    await kept.release();
    await redis.redis.del(key);
    await gone('dedup:default/echo|["left"]');
  });

  it('opens 10,000 locks in under a second, pages, and keeps the selection while they change', async () => {
    const pipeline = redis.redis.pipeline();
    for (let index = 0; index < MANY; index++)
      pipeline.set(`redlock:${index}`, 'x', 'PX', 10 * MINUTE_MS);
    await pipeline.exec();
    const total = async () => {
      // Keys without an index are looked for at once when someone asks, else every ten seconds.
      await withClient((client) => client.request(requests.locks, { limit: 1 }));
      return (await snapshot()).agent['agent']?.totals.locks ?? 0;
    };
    await eventually('all of them to be counted', async () => (await total()) >= MANY);
    // They are counted when someone asks, and listed when the agent looks the next time.
    await eventually('a full page to be listed', async () => {
      return Object.keys((await snapshot()).locks).length >= PAGE;
    });

    const tookMs = await openingMs(VIEWS.locks);
    assert.ok(tookMs < OPEN_LIMIT_MS, `it took ${Math.round(tookMs)} ms`);
    const shown = await rowsOf(VIEWS.locks);
    assert.ok(shown.length >= PAGE, `${shown.length} rows`);
    assert.equal(shown.at(-1)?.contextValue, 'loadMore');

    const selected = await eventually('a selected row', async () => {
      await selectWith('list.focusFirst');
      const ids = (await interlock()).selectionOf(VIEWS.locks);
      return ids.length === 1 && ids;
    });
    await redis.redis.del(...Array.from({ length: 50 }, (_, index) => `redlock:${index}`));
    await eventually('fewer of them', async () => (await total()) < MANY);
    // While a tree is read anew, VS Code tells no selection for a moment; one that is lost stays lost.
    await eventually('the selection as before', async () =>
      isDeepStrictEqual((await interlock()).selectionOf(VIEWS.locks), selected),
    );

    await eventually('one more page', async () => {
      await selectWith('list.focusLast');
      return (await rowsOf(VIEWS.locks)).length > shown.length + 100;
    });

    for (let from = 0; from < MANY; from += 1_000) {
      const names = Array.from({ length: 1_000 }, (_, index) => `redlock:${from + index}`);
      await redis.redis.del(...names);
    }
  });

  it('copies the details of a lock', async () => {
    const name = (await snapshot()).locks['scheduler:global_lock']?.name ?? '';
    assert.notEqual(name, '');
    await vscode.commands.executeCommand(COMMANDS.lockCopyDetails, name);
    const text = await vscode.env.clipboard.readText();
    assert.match(text, /Name: scheduler:global_lock\nState: held\nHolder: .+:\d+ all/);
  });
});

/** Moves in the focused list, and presses Enter. */
async function selectWith(move: string): Promise<void> {
  await vscode.commands.executeCommand(`${VIEWS.locks}.focus`);
  await vscode.commands.executeCommand(move);
  await vscode.commands.executeCommand('list.select');
}
