import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { sleep, type Clock } from '../common/clock.ts';
import { ERROR_CODES, InterlockError, messageOf } from '../common/errors.ts';
import type { AgentClient } from '../protocol/agentClient.ts';
import { readAgentRecord } from '../protocol/agentRecord.ts';
import { isSameProcessAlive } from '../state/processIdentity.ts';
import { connectRecord } from './agentConnection.ts';
import type { CliSession } from './session.ts';

/** It may have to start a Redis first, and the machine may be busy. */
const START_DEADLINE_MS = 30_000;
const POLL_INTERVAL_MS = 20;
const LAST_STDERR_LINES = 5;

/** What the agent prints on stderr when it can not start. */
const errorLine = z.object({
  error: z.object({ code: z.enum(ERROR_CODES), message: z.string(), remedy: z.string().nullish() }),
});

/** How an agent process ended, and why as far as it told. */
export interface AgentEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  error: InterlockError;
}

export interface SpawnedAgent {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly ended: Promise<AgentEnd>;
}

/** Whether a new agent belongs to the command that starts it. */
export type Attachment =
  /** It ends when we end, whatever ends us. */
  | 'attached'
  /** It stays. */
  | 'background';

/** Arguments of `agent.js` for a session. */
export function agentArguments(session: CliSession): string[] {
  const args = ['--workspace', session.workspace, '--state-dir', session.stateFolder];
  if (session.redisUrl !== undefined) args.push('--redis', session.redisUrl);
  return [...args, '--role', session.role.text];
}

export function agentProgram(session: CliSession): string {
  return path.join(session.io.programFolder, 'agent.js');
}

/**
 * Starts an agent in a process group of its own: a terminal's Ctrl+C reaches us alone, and we end
 * the agent in order. Its stderr goes to a file, which outlives us where a pipe would not. An
 * attached one is `interlock agent` with a channel to us, whose end it takes for its own.
 */
export async function spawnAgent(
  session: CliSession,
  attachment: Attachment,
): Promise<SpawnedAgent> {
  session.requireWorkspace();
  mkdirSync(session.stateFolder, { recursive: true, mode: 0o700 });
  const stderrFile = path.join(session.stateFolder, 'agent.stderr.log');
  const stderr = openSync(stderrFile, 'w', 0o600);
  const attached = attachment === 'attached';
  const program = attached
    ? [path.join(session.io.programFolder, 'cli.js'), 'agent']
    : [agentProgram(session)];
  const child = spawn(process.execPath, [...program, ...agentArguments(session)], {
    cwd: session.workspace,
    detached: true,
    stdio: attached ? ['ignore', 'ignore', stderr, 'ipc'] : ['ignore', 'ignore', stderr],
    env: { ...session.io.env, ELECTRON_RUN_AS_NODE: '1' },
    windowsHide: true,
  });
  closeSync(stderr);
  const ended = new Promise<AgentEnd>((resolve) => {
    child.once('exit', (exitCode, signal) =>
      resolve({ exitCode, signal, error: readEnd(stderrFile, exitCode, signal) }),
    );
  });
  await new Promise<void>((resolve, reject) => {
    child.once('spawn', resolve);
    child.once('error', (error) =>
      reject(
        new InterlockError({
          code: 'internal',
          message: `The agent can not be started: ${messageOf(error)}.`,
          remedy: 'Check that Interlock is built or installed completely.',
        }),
      ),
    );
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('A process that was started has no id.');
  return { child, pid, ended };
}

/** Why an agent ended: its own error line, else the last it wrote. */
export function readEnd(
  stderrFile: string,
  exitCode: number | null,
  signal: NodeJS.Signals | null,
): InterlockError {
  let lines: string[] = [];
  try {
    lines = readFileSync(stderrFile, 'utf8').trim().split('\n');
  } catch {
    // Nothing was written: the exit code has to do.
  }
  for (const line of [...lines].reverse()) {
    const error = parseErrorLine(line);
    if (error !== undefined) return error;
  }
  const how = signal === null ? `code ${exitCode ?? '?'}` : `signal ${signal}`;
  const last = lines.filter((line) => line !== '').slice(-LAST_STDERR_LINES);
  return new InterlockError({
    code: 'internal',
    message: [`The agent ended with ${how}.`, ...last].join('\n'),
    remedy: 'Read agent.log in the state folder, or run "interlock doctor".',
  });
}

function parseErrorLine(line: string): InterlockError | undefined {
  if (!line.startsWith('{')) return undefined;
  try {
    const { error } = errorLine.parse(JSON.parse(line));
    const { code, message, remedy } = error;
    return new InterlockError({
      code,
      message,
      ...(remedy === null || remedy === undefined ? {} : { remedy }),
    });
  } catch {
    return undefined;
  }
}

/**
 * Waits until a new agent answers hello.
 * @returns the connection, or how the process ended before that
 * @throws InterlockError `timeout` after 30 s; the process is then killed
 */
export async function waitForAgent(
  session: CliSession,
  agent: SpawnedAgent,
  signal?: AbortSignal,
): Promise<AgentClient | AgentEnd> {
  const { clock } = session.io;
  const deadlineMs = clock.monotonic() + START_DEADLINE_MS;
  let end: AgentEnd | undefined;
  void agent.ended.then((how) => (end = how));
  while (clock.monotonic() < deadlineMs && signal?.aborted !== true) {
    if (end !== undefined) return end;
    const record = readAgentRecord(session.stateFolder);
    if (record?.pid === agent.pid) {
      try {
        return await connectRecord(record, clock);
      } catch (error) {
        // The record is written before or after it listens: only "nobody there yet" may be retried.
        if (!(error instanceof InterlockError && error.code === 'no_agent')) throw error;
      }
    }
    await sleep(clock, POLL_INTERVAL_MS, signal);
  }
  agent.child.kill(signal?.aborted === true ? 'SIGTERM' : 'SIGKILL');
  if (signal?.aborted === true) return agent.ended;
  throw new InterlockError({
    code: 'timeout',
    message: `The agent (process ${agent.pid}) did not answer within ${START_DEADLINE_MS / 1_000} s.`,
    remedy: `Read ${path.join(session.stateFolder, 'agent.log')}.`,
  });
}

/** Waits until a process is gone. @returns whether it went in time */
export async function waitUntilGone(
  pid: number,
  processStart: string | null,
  deadlineMs: number,
  clock: Clock,
): Promise<boolean> {
  const until = clock.monotonic() + deadlineMs;
  while (isSameProcessAlive(pid, processStart)) {
    if (clock.monotonic() > until) return false;
    await sleep(clock, POLL_INTERVAL_MS);
  }
  return true;
}
