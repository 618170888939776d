// Runs a command with its output in a log file: shown when it fails, out of the way otherwise.
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { setPriority, tmpdir } from 'node:os';
import path from 'node:path';
import { performance } from 'node:perf_hooks';

const SHOWN_LOG_LINES = 60;

/** Tests may run beside it, and they watch the clock: compiling gives way to them. */
const NICENESS = 10;

let logFolder;

/** A step that failed for a reason that a person can act on. `exitCode` is that of the whole command. */
export class SetupError extends Error {
  constructor(message, exitCode = 1) {
    super(message);
    this.name = 'SetupError';
    this.exitCode = exitCode;
  }
}

/** Progress goes to stderr: stdout belongs to the result of the command that needed the set-up. */
export function say(text) {
  process.stderr.write(`[setup] ${text}\n`);
}

/**
 * @param {string} title what it does, in words: `npm ci`
 * @param {string[]} command program and arguments
 * @param {{ cwd?: string, env?: Record<string, string | undefined> }} [options]
 * @throws {SetupError} with the end of its output when it does not end with 0
 */
export async function runLogged(title, command, options = {}) {
  logFolder ??= mkdtempSync(path.join(tmpdir(), 'interlock-setup-'));
  const logFile = path.join(logFolder, `${title.replaceAll(/[^\w.-]+/g, '-')}.log`);
  const startedAt = performance.now();
  say(`${title} ...`);
  const log = openSync(logFile, 'w');
  const ended = await endOf(command, options, log).finally(() => closeSync(log));
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(1);
  if (ended !== '') {
    const tail = readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-SHOWN_LOG_LINES);
    throw new SetupError(`${title} ${ended} after ${seconds} s:\n${tail.join('\n')}\n(${logFile})`);
  }
  say(`${title}: done in ${seconds} s`);
}

/** @returns {Promise<string>} how it failed, or '' */
function endOf([program, ...args], options, log) {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['ignore', log, log],
      shell: process.platform === 'win32',
    });
    if (child.pid !== undefined) giveWay(child.pid);
    child.once('error', (error) => resolve(`could not be started (${error.message})`));
    child.once('close', (code, signal) => {
      resolve(code === 0 ? '' : `ended with ${signal ?? `exit code ${code}`}`);
    });
  });
}

function giveWay(pid) {
  try {
    setPriority(pid, NICENESS);
  } catch {
    // It has ended already.
  }
}
