// `npm start`: makes ready what is missing, then runs an example with a live screen, and beside it the
// servers that its companions.mjs names.
//   npm start -- --for 20s --json
//   npm start -- --workspace examples/notifications
// Plain Node, because it runs before anything is installed. stdout belongs to the CLI's answer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { setupOrExit } from '../.ci/setup.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(HERE);
const DEFAULT_WORKSPACE = path.join(HERE, 'market');
const COMPANIONS_FILE = 'companions.mjs';
const END_WITH_PARENT = pathToFileURL(path.join(HERE, 'endWithParent.mjs')).href;

const HEALTH_TIMEOUT_MS = 2_000;
const COMPANION_START_TIMEOUT_MS = 10_000;
/** npm, a terminal and we may each pass on the same Ctrl+C: within that time it counts once. */
const SAME_SIGNAL_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const say = (text) => process.stderr.write(`[start] ${text}\n`);

/** A child that does not outlive us, whatever ends us. */
function startChild(args, options) {
  return spawn(process.execPath, ['--import', END_WITH_PARENT, ...args], { cwd: ROOT, ...options });
}

/**
 * @typedef {{ what: string, program: URL, name: string, port: number, args: string[] }} Companion
 *   `what` is for people; `name` is what GET /health on its port answers
 */

/** @returns {Promise<Companion[]>} none for a workspace that names none */
async function companionsOf(workspace) {
  const file = path.join(workspace, COMPANIONS_FILE);
  if (!existsSync(file)) return [];
  return (await import(pathToFileURL(file).href)).companions;
}

/**
 * A companion: started, or the one that is there already.
 * @param {Companion} companion
 * @param {NodeJS.ProcessEnv} env
 * @returns {Promise<import('node:child_process').ChildProcess | undefined>} what is to be stopped
 * @throws {Error} in words, when the port belongs to another program
 */
async function startCompanion({ what, program, name, port, args }, env) {
  const there = await askHealth(`http://127.0.0.1:${port}/health`);
  if (there?.name === name) {
    say(`The ${what} runs already on port ${port}: it is used, and left running.`);
    return undefined;
  }
  if (there !== undefined) {
    throw new Error(
      `Port ${port} is taken by another program, and the ${what} needs it. ` +
        `Stop that program; "lsof -i :${port}" names it.`,
    );
  }
  // In a process group of its own: Ctrl+C in the terminal is for the CLI, companions end after it.
  const child = startChild([fileURLToPath(program), '--port', String(port), ...args], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
    env,
  });
  let told = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (told += text));
  const started = await Promise.race([
    once(child, 'message').then(() => true),
    once(child, 'exit').then(() => false),
    new Promise((resolve) => setTimeout(resolve, COMPANION_START_TIMEOUT_MS, false).unref()),
  ]);
  if (started) return child;
  await stopChild(child);
  throw new Error(`The ${what} did not start. ${told.trim()}`);
}

/** @returns {Promise<object | undefined>} undefined: nobody listens there; {} : something else does */
async function askHealth(url) {
  try {
    const response = await fetch(url, {
      signal: globalThis.AbortSignal.timeout(HEALTH_TIMEOUT_MS),
    });
    return await response.json().catch(() => ({}));
  } catch (error) {
    return error?.cause?.code === 'ECONNREFUSED' ? undefined : {};
  }
}

async function stopChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await ended;
  clearTimeout(timer);
}

/** @returns {Promise<number>} the exit code of the CLI */
async function runCli(workspace, args) {
  const inTerminal = process.stdin.isTTY === true;
  const cli = startChild(
    // The last one counts, and this one is absolute.
    [path.join(ROOT, 'dist', 'cli.js'), 'up', ...args, '--workspace', workspace],
    // Outside a terminal it gets only the signals that we pass on; inside, the terminal's own.
    { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], detached: !inTerminal },
  );
  let lastAt = Number.NEGATIVE_INFINITY;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      if (inTerminal && signal !== 'SIGTERM') return;
      const now = performance.now();
      if (now - lastAt >= SAME_SIGNAL_MS) cli.kill(signal);
      lastAt = now;
    });
  }
  const [code, signal] = await once(cli, 'exit');
  if (signal !== null) say(`The CLI was ended by ${signal}.`);
  return code ?? 1;
}

/** What of the command line concerns us; all of it goes on to the CLI. */
function readArguments(args) {
  const { values } = parseArgs({
    args,
    options: { workspace: { type: 'string' }, 'state-dir': { type: 'string' } },
    strict: false,
    allowPositionals: true,
  });
  const { workspace, 'state-dir': stateFolder } = values;
  return {
    workspace: typeof workspace === 'string' ? path.resolve(workspace) : DEFAULT_WORKSPACE,
    env:
      typeof stateFolder === 'string'
        ? { ...process.env, INTERLOCK_STATE_DIR: path.resolve(ROOT, stateFolder) }
        : process.env,
  };
}

await setupOrExit(['npm', 'redis', 'build']);
const args = process.argv.slice(2);
const { workspace, env } = readArguments(args);
const started = [];
try {
  for (const companion of await companionsOf(workspace)) {
    const child = await startCompanion(companion, env);
    if (child !== undefined) started.push(child);
  }
  process.exitCode = await runCli(workspace, args);
} catch (error) {
  say(error.message);
  process.exitCode = 1;
} finally {
  await Promise.all(started.map(stopChild));
}
