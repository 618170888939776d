// `npm test` runs every part; `node test/run.mjs redis process` runs those two.
// The last line is `N passed, N failed`. A part that can not run is a failure, never a gap.
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { testCacheFolder } from '../.ci/codeServer.mjs';
import { setup } from '../.ci/setup.mjs';
import { leftProcesses } from './harness/leftProcesses.mjs';
import { TEST_PARTS } from './harness/testParts.mjs';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));

/** What was killed may be cleaned up by others: an orphan is gone within 10 s, and a little more. */
const LEFT_OVER_DEADLINE_MS = 15_000;

/** Parts that run at one time: most tests wait, so one alone leaves two cores idle. */
const MAIN_LANES = 2;

/** For what only computes: it takes what the tests, which watch the clock, leave over. */
const IDLE_NICENESS = 10;

/** Of .ci/setup.mjs, in the order in which the parts need them: what takes long comes last. */
const SETUP_STEPS = ['npm', 'redis', 'openssl', 'build', 'chromium', 'vscode'];

/** Temp and home folder of everything that runs: nothing of a run lies elsewhere. */
const runFolder = realpathSync(mkdtempSync(path.join(tmpdir(), 'ilk-run-')));
const running = new Set();

const flags = process.argv.slice(2).filter((word) => word.startsWith('--'));
const asked = process.argv.slice(2).filter((word) => !word.startsWith('--'));
const names = asked.length === 0 ? Object.keys(TEST_PARTS) : asked;

checkUsage();
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => endNow(signal));

const wanted = Object.keys(TEST_PARTS).filter((name) => names.includes(name));
const steps = SETUP_STEPS.filter((step) =>
  wanted.some((name) => TEST_PARTS[name].steps.includes(step)),
);
const ready = prepare(steps);
const inLane = (lane) => wanted.filter((name) => (TEST_PARTS[name].lane ?? 'main') === lane);
const waiting = inLane('main');
const lanes = [
  ...Array.from({ length: MAIN_LANES }, () => runLane(waiting)),
  ...[runLane(inLane('beside')), runLane(inLane('idle'))],
];
const summaries = (await Promise.all(lanes)).flat();
summaries.push(await checkNothingIsLeft());
rmSync(runFolder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
process.exitCode = report(summaries);

function checkUsage() {
  const unknown = [
    ...names.filter((name) => TEST_PARTS[name] === undefined),
    ...flags.filter((flag) => flag !== '--update-docs'),
  ];
  if (unknown.length === 0) return;
  console.error(`Unknown: ${unknown.join(', ')}. Parts: ${Object.keys(TEST_PARTS).join(', ')}.`);
  console.error(
    'With --update-docs the screenshots of the e2e part are copied to docs/screenshots.',
  );
  process.exit(2);
}

/**
 * One step after the other; a part begins when its own are done.
 * @returns {Map<string, Promise<string>>} by step: what went wrong, or ''
 */
function prepare(steps) {
  let before = Promise.resolve();
  const prepared = new Map();
  for (const step of steps) {
    const run = () =>
      setup([step]).then(
        () => '',
        (error) => error.message,
      );
    before = before.then(run);
    prepared.set(step, before);
  }
  return prepared;
}

/** Takes one part after the other, as long as there are any. */
async function runLane(parts) {
  const done = [];
  for (let name = parts.shift(); name !== undefined; name = parts.shift())
    done.push(await runPart(name, TEST_PARTS[name]));
  return done;
}

/** @returns {Promise<{ name: string, passed: number, pending: number, failures: object[], ms: number }>} */
async function runPart(name, part) {
  const resultsFile = path.join(runFolder, `results-${name}.json`);
  const failures = [];
  let output = '';
  for (const step of part.steps) {
    const trouble = await ready.get(step);
    if (trouble !== '') failures.push({ title: `set-up of ${name}: ${step}`, error: trouble });
  }
  console.log(`== ${name} ...`);
  const startedAt = performance.now();
  for (const command of failures.length > 0 ? [] : part.commands) {
    const ended = await runNode(command, resultsFile, part, (text) => (output += text));
    if (ended !== '') failures.push({ title: command.join(' '), error: ended });
  }
  if (output !== '') console.log(`\n== ${name}\n${output}`);
  const ms = performance.now() - startedAt;
  if (part.reports !== true) {
    const passed = failures.length === 0 ? 1 : 0;
    return { name, passed, pending: 0, failures: failures.slice(0, 1), ms };
  }
  return { name, ms, ...countResults(resultsFile, failures) };
}

/** A command that failed without a failed test, or without any test, failed in itself. */
function countResults(resultsFile, failures) {
  const results = existsSync(resultsFile) ? JSON.parse(readFileSync(resultsFile, 'utf8')) : [];
  const failed = results.filter(({ state }) => state === 'failed');
  if (results.length === 0 && failures.length === 0) {
    failures.push({ title: 'no test ran', error: 'The command ended well, and reported no test.' });
  }
  return {
    passed: results.filter(({ state }) => state === 'passed').length,
    pending: results.filter(({ state }) => state === 'pending').length,
    failures: failed.length > 0 ? failed : failures,
  };
}

/** @returns {Promise<string>} how it failed, or '' */
function runNode(args, resultsFile, { limitMs, lane }, print) {
  const home = path.join(runFolder, 'home');
  mkdirSync(home, { recursive: true });
  const child = spawn(process.execPath, args, {
    cwd: ROOT,
    // A group of its own, so that a part that hangs is ended with all its children.
    detached: process.platform !== 'win32',
    // Of several parts at one time, each is shown when it has ended.
    stdio: names.length === 1 ? ['ignore', 'inherit', 'inherit'] : ['ignore', 'pipe', 'pipe'],
    env: {
      ...withoutProductSettings(process.env),
      HOME: home,
      TMPDIR: runFolder,
      INTERLOCK_TEST_CACHE: testCacheFolder(),
      INTERLOCK_TEST_RESULTS: resultsFile,
      ...(flags.includes('--update-docs') ? { INTERLOCK_UPDATE_DOCS: '1' } : {}),
    },
  });
  running.add(child);
  if (lane === 'idle' && child.pid !== undefined) setPriority(child.pid, IDLE_NICENESS);
  for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => print(`${data}`));
  return new Promise((resolve) => {
    let why = '';
    const timer = setTimeout(() => {
      why = `took longer than ${limitMs / 1_000} s`;
      killGroup(child);
    }, limitMs);
    child.once('error', (error) => {
      why = `could not be started: ${error.message}`;
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      running.delete(child);
      resolve(why !== '' ? why : code === 0 ? '' : `ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}

/** A person's own Redis or state folder is not for tests. */
function withoutProductSettings(env) {
  const settings = ['REDIS_URL', 'INTERLOCK_STATE_DIR', 'SERVICE_ROLE', 'ENABLE_SCHEDULERS'];
  return Object.fromEntries(Object.entries(env).filter(([name]) => !settings.includes(name)));
}

function killGroup(child) {
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid, 'SIGKILL');
  } catch {
    // It has ended meanwhile.
  }
}

async function checkNothingIsLeft() {
  const startedAt = performance.now();
  const left = await leftProcesses(runFolder, LEFT_OVER_DEADLINE_MS);
  for (const { pid } of left) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It has ended meanwhile.
    }
  }
  const error = left.map(({ pid, command }) => `${pid} ${command}`).join('\n');
  return {
    name: 'nothing is left running',
    passed: left.length === 0 ? 1 : 0,
    pending: 0,
    failures: left.length === 0 ? [] : [{ title: 'processes are left', error }],
    ms: performance.now() - startedAt,
  };
}

function report(parts) {
  for (const { name, failures } of parts) {
    for (const { title, error } of failures) {
      console.log(`\nFAILED ${name}: ${title}\n${String(error).replaceAll(/^/gm, '    ')}`);
    }
  }
  console.log('');
  for (const { name, passed, pending, failures, ms } of parts) {
    const skipped = pending === 0 ? '' : `, ${pending} not run`;
    const counts = `${passed} passed, ${failures.length} failed${skipped}`;
    console.log(`${name.padEnd(24)} ${counts.padEnd(32)} ${(ms / 1_000).toFixed(1)} s`);
  }
  const passed = parts.reduce((sum, part) => sum + part.passed, 0);
  const failed = parts.reduce((sum, part) => sum + part.failures.length, 0);
  console.log(`\n${passed} passed, ${failed} failed`);
  return failed === 0 ? 0 : 1;
}

function endNow(signal) {
  for (const child of running) killGroup(child);
  rmSync(runFolder, { recursive: true, force: true });
  console.error(`\nEnded by ${signal}.`);
  process.exit(130);
}
