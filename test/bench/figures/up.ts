import { existsSync, readFileSync, rmSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { messageOf } from '../../../agent/common/errors.ts';
import { endProcess, startProcess, type StartedProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { makeTemporaryFolder } from '../../harness/temporaryFolder.ts';
import { makeWorkspace } from '../../harness/workspace.ts';
import { median } from '../statistics.ts';
import { limitRow, unmeasuredRow, type Row } from './row.ts';

const BAR_MS = 3_000;
const RUNS = 3;
const DEADLINE_MS = 20_000;
/** Twice the bar: what takes longer is told as a miss with the time it took, up to here. */
const UP_FOR = '6s';

const upAnswer = z.object({ firstJobRunMs: z.number().nullable() });

/** `interlock up`, from the start of the process to the start of the first run. */
export async function measureUp(root: string): Promise<Row[]> {
  const cli = path.join(root, 'dist', 'cli.js');
  if (!existsSync(cli)) {
    return [
      unmeasuredRow('`interlock up` to the first run', '≤ 3,000 ms', 'dist/cli.js is missing'),
    ];
  }
  return [await measureSmall(root, cli), await measureExample(root, cli)];
}

async function measureSmall(root: string, cli: string): Promise<Row> {
  const figure = '`interlock up` to the first run, one job each second, warm';
  const handler = path.join(root, 'test/bench/handlers/stamp.mjs');
  const workspace = makeWorkspace({
    jobs: { stamp: { handler } },
    schedules: { beat: { job: 'stamp', every: '1s' } },
  });
  const file = path.join(workspace.folder, 'first-run');
  try {
    const times: number[] = [];
    for (let run = 0; run <= RUNS; run += 1) {
      rmSync(file, { force: true });
      times.push(await timeToFirstRun(cli, workspace, file));
    }
    return limitRow(figure, median(times.slice(1)), BAR_MS, 'ms', 'From the start of the process.');
  } catch (error) {
    return unmeasuredRow(figure, '≤ 3,000 ms', messageOf(error));
  } finally {
    workspace.remove();
  }
}

/** The handler itself writes down when it ran. */
async function timeToFirstRun(
  cli: string,
  workspace: { folder: string; stateFolder: string },
  file: string,
): Promise<number> {
  const startedAtMs = Date.now();
  const up = await startUp(cli, workspace.folder, workspace.stateFolder, 'up', {
    FIRST_RUN_FILE: file,
  });
  try {
    const text = await eventually(
      'the first run',
      () => existsSync(file) && readFileSync(file, 'utf8'),
      { deadlineMs: DEADLINE_MS, everyMs: 20 },
    );
    return Number(text) - startedAtMs;
  } catch (error) {
    throw new Error(`${messageOf(error)}: ${up.output().slice(-300)}`, { cause: error });
  } finally {
    await endProcess(up);
  }
}

/** The example project with its feed: the figure that `up --json` tells itself. */
async function measureExample(root: string, cli: string): Promise<Row> {
  const figure = '`interlock up` on examples/market with its feed, warm';
  const example = path.join(root, 'examples/market');
  const feed = await startProcess(process.execPath, [path.join(example, 'feed/feedServer.mjs')]);
  const state = makeTemporaryFolder();
  try {
    const times: number[] = [];
    for (let run = 0; run <= RUNS; run += 1) {
      const up = await startUp(cli, example, path.join(state.path, 's'), 'up', {}, [
        ...['--json', '--for', UP_FOR],
      ]);
      await up.ended;
      times.push(firstRunMs(up.output()));
    }
    return limitRow(figure, median(times.slice(1)), BAR_MS, 'ms', 'As `up --json` tells it.');
  } catch (error) {
    return unmeasuredRow(figure, '≤ 3,000 ms', messageOf(error));
  } finally {
    await endProcess(feed);
    state.remove();
  }
}

/** Logs may stand before the one JSON document: stdout and stderr come together. */
function firstRunMs(output: string): number {
  const { firstJobRunMs } = upAnswer.parse(JSON.parse(output.slice(output.search(/^\{/m))));
  if (firstJobRunMs === null) throw new Error(`no job ran within ${UP_FOR}`);
  return firstJobRunMs;
}

function startUp(
  cli: string,
  folder: string,
  stateFolder: string,
  command: string,
  env: Record<string, string>,
  more: string[] = [],
): Promise<StartedProcess> {
  return startProcess(
    process.execPath,
    [cli, command, '--workspace', folder, '--state-dir', stateFolder, ...more],
    { env: { ...process.env, ...env, REDIS_URL: '' } },
  );
}
