// `npm start`: makes ready what is missing, then runs the example with its feed and a live screen.
//   npm start -- --for 20s --json
// Plain Node, because it runs before anything is installed. stdout belongs to the CLI's answer.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { setupOrExit } from '../.ci/setup.mjs';

const HERE = path.dirname(fileURLToPath(import.meta.url));
const ROOT = path.dirname(HERE);
const WORKSPACE = path.join(HERE, 'market');
const FEED_SERVER = path.join(WORKSPACE, 'feed', 'feedServer.mjs');
const END_WITH_PARENT = pathToFileURL(path.join(HERE, 'endWithParent.mjs')).href;

const HEALTH_TIMEOUT_MS = 2_000;
const FEED_START_TIMEOUT_MS = 10_000;
/** npm, a terminal and we may each pass on the same Ctrl+C: within that time it counts once. */
const SAME_SIGNAL_MS = 1_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'];

const say = (text) => process.stderr.write(`[start] ${text}\n`);

/** A child that does not outlive us, whatever ends us. */
function startChild(args, options) {
  return spawn(process.execPath, ['--import', END_WITH_PARENT, ...args], { cwd: ROOT, ...options });
}

/**
 * The feed server: started, or the one that is there already.
 * @returns {Promise<import('node:child_process').ChildProcess | undefined>} what is to be stopped
 * @throws {Error} in words, when the port belongs to another program
 */
async function startFeed() {
  const { FEED_NAME, FEED_PORT } = await import('./market/feed/feedServer.mjs');
  const health = `http://127.0.0.1:${FEED_PORT}/health`;
  const there = await askHealth(health);
  if (there?.name === FEED_NAME) {
    say(`The feed of the example runs already on port ${FEED_PORT}: it is used, and left running.`);
    return undefined;
  }
  if (there !== undefined) {
    throw new Error(
      `Port ${FEED_PORT} is taken by another program, and the feed of the example needs it. ` +
        `Stop that program; "lsof -i :${FEED_PORT}" names it.`,
    );
  }
  // In a process group of its own: Ctrl+C in the terminal is for the CLI, the feed ends after it.
  const feed = startChild([FEED_SERVER, '--port', String(FEED_PORT)], {
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true,
  });
  let told = '';
  feed.stderr.setEncoding('utf8').on('data', (text) => (told += text));
  const started = await Promise.race([
    once(feed, 'message').then(() => true),
    once(feed, 'exit').then(() => false),
    new Promise((resolve) => setTimeout(resolve, FEED_START_TIMEOUT_MS, false).unref()),
  ]);
  if (started) return feed;
  await stopChild(feed);
  throw new Error(`The feed server of the example did not start. ${told.trim()}`);
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
async function runCli(args) {
  const inTerminal = process.stdin.isTTY === true;
  const cli = startChild(
    [path.join(ROOT, 'dist', 'cli.js'), 'up', '--workspace', WORKSPACE, ...args],
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

await setupOrExit(['npm', 'redis', 'build']);
try {
  const feed = await startFeed();
  try {
    process.exitCode = await runCli(process.argv.slice(2));
  } finally {
    if (feed !== undefined) await stopChild(feed);
  }
} catch (error) {
  say(error.message);
  process.exitCode = 1;
}
