#!/usr/bin/env node
// Makes ready what the project needs: `node .ci/setup.mjs npm redis chromium vscode build`.
// Plain Node and nothing else, because it runs before anything is installed.
//
// VS Code for the tests lies in ~/.cache/interlock-test (INTERLOCK_TEST_CACHE): see codeServer.mjs.
import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { runLogged, say, SetupError } from './runLogged.mjs';
import { ensureProgram } from './systemPackages.mjs';
import { ensureTestHost } from './testHost.mjs';

const ROOT = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const OLDEST_NODE = [20, 19];

/** What dist/ is made of. */
const SOURCES = ['agent', 'src', 'esbuild.mjs', 'package.json', 'package-lock.json'];

const PARTS = {
  npm: installPackages,
  redis: () => ensureProgram('redis'),
  chromium: () => ensureProgram('chromium'),
  openssl: () => ensureProgram('openssl'),
  vscode: ensureTestHost,
  build: buildWhenStale,
};

/**
 * Makes the parts ready, in the order given; what is ready costs nothing.
 * @param {string[]} parts some of npm, redis, chromium, openssl, vscode, build
 * @throws {SetupError} that says what to do; its `exitCode` is 4 when there is no Redis
 */
export async function setup(parts) {
  checkNode();
  for (const name of parts) {
    const part = PARTS[name];
    if (part === undefined) {
      throw new SetupError(
        `There is no part "${name}". Parts: ${Object.keys(PARTS).join(', ')}.`,
        2,
      );
    }
    await part();
  }
}

/** Runs `setup` for a command line: prints what went wrong in words and sets the exit code. */
export async function setupOrExit(parts) {
  try {
    await setup(parts);
  } catch (error) {
    say(error instanceof SetupError ? error.message : String(error?.stack ?? error));
    process.exit(error instanceof SetupError ? error.exitCode : 1);
  }
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return;
  throw new SetupError(
    `Node ${OLDEST_NODE.join('.')} or later is needed; this is ${process.version}.`,
  );
}

async function installPackages() {
  if (packagesAreInstalled()) return;
  await runLogged('npm ci', ['npm', 'ci', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: ROOT,
  });
}

/**
 * Compares what is installed with the lock file, package by package. Times would not do: a checkout
 * touches files, and npm deletes node_modules first, under whatever runs there.
 */
function packagesAreInstalled() {
  // npm writes this file at the end of an install, so it is missing after one that was cut short.
  const installed = readPackages(path.join(ROOT, 'node_modules', '.package-lock.json'));
  const wanted = readPackages(path.join(ROOT, 'package-lock.json'));
  return Object.entries(wanted).every(
    ([name, { version, optional }]) =>
      name === '' || optional === true || installed[name]?.version === version,
  );
}

function readPackages(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : {};
}

async function buildWhenStale() {
  const built = ['extension.js', 'agent.js', 'cli.js'].map((name) => path.join(ROOT, 'dist', name));
  const newest = Math.max(...SOURCES.map((name) => newestIn(path.join(ROOT, name))));
  if (built.every((file) => modifiedAt(file) >= newest)) return;
  await runLogged('build', [process.execPath, 'esbuild.mjs'], { cwd: ROOT });
}

/** @returns milliseconds since the epoch; 0 for a file that does not exist */
function modifiedAt(file) {
  return existsSync(file) ? statSync(file).mtimeMs : 0;
}

function newestIn(entry) {
  if (!existsSync(entry)) return 0;
  const stats = statSync(entry);
  if (!stats.isDirectory()) return stats.mtimeMs;
  return Math.max(0, ...readdirSync(entry).map((name) => newestIn(path.join(entry, name))));
}

if (
  process.argv[1] !== undefined &&
  realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)
) {
  await setupOrExit(process.argv.slice(2));
}
