import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { ERROR_CODES, messageOf } from '../../agent/common/errors.ts';
import { problemKindOf, type Problem } from './problem.ts';
import type { AgentTarget } from './target.ts';

/** Standard error goes to a file: a pipe would break in the agent when this window closes. */
const ERROR_FILE = 'agent.stderr';
const SHOWN_LINES = 5;

/** The last line of an agent that could not start. */
const startError = z.object({
  error: z.object({
    code: z.enum(ERROR_CODES),
    message: z.string(),
    remedy: z.string().nullish(),
  }),
});

export interface LaunchedAgent {
  readonly pid: number | undefined;
  /** Settles when the process has ended or could not be started. Never rejects. */
  readonly ended: Promise<AgentEnd>;
  kill(): void;
}

export interface AgentEnd {
  problem: Problem;
  /** Another process has become the agent of this folder meanwhile. */
  otherAgent: boolean;
}

/** Starts an agent that outlives this process: it leaves by itself when nobody needs it. */
export function launchAgent(target: AgentTarget): LaunchedAgent {
  mkdirSync(target.stateFolder, { recursive: true, mode: 0o700 });
  const errorFile = path.join(target.stateFolder, ERROR_FILE);
  const errors = openSync(errorFile, 'w', 0o600);
  try {
    const child = spawn(target.nodePath ?? process.execPath, agentArguments(target), {
      cwd: target.workspace,
      env: agentEnvironment(process.env, target.switches),
      detached: true,
      windowsHide: true,
      stdio: ['ignore', 'ignore', errors],
    });
    child.unref();
    return { pid: child.pid, ended: whenEnded(child, target, errorFile), kill: () => child.kill() };
  } finally {
    closeSync(errors);
  }
}

function agentArguments(target: AgentTarget): string[] {
  const redis = target.redisUrl === undefined ? [] : ['--redis', target.redisUrl];
  return [
    target.agentFile,
    '--workspace',
    target.workspace,
    '--state-dir',
    target.stateFolder,
    '--role',
    'all',
    '--idle-exit-ms',
    String(target.idleExitMs),
    ...redis,
  ];
}

/**
 * The person's environment without what belongs to this extension host alone.
 * @param switches from settings; the environment has the last word
 */
export function agentEnvironment(
  env: NodeJS.ProcessEnv,
  switches: Readonly<Record<string, boolean>>,
): NodeJS.ProcessEnv {
  const environment: NodeJS.ProcessEnv = {};
  for (const [name, value] of Object.entries(switches)) environment[name] = String(value);
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith('VSCODE_')) environment[name] = value;
  }
  return { ...environment, ELECTRON_RUN_AS_NODE: '1' };
}

function whenEnded(child: ChildProcess, target: AgentTarget, errorFile: string): Promise<AgentEnd> {
  return new Promise((resolve) => {
    child.once('error', (error) =>
      resolve({
        otherAgent: false,
        problem: {
          kind: 'cannotStart',
          message: `${target.nodePath ?? process.execPath} can not be started: ${messageOf(error)}.`,
          remedy: 'Check the setting interlock.nodePath.',
        },
      }),
    );
    child.once('exit', (code, signal) => resolve(readEnd(code, signal, readLines(errorFile))));
  });
}

/** What the agent's exit and its last words come to. */
export function readEnd(code: number | null, signal: string | null, lines: string[]): AgentEnd {
  for (const line of lines.toReversed()) {
    const told = startError.safeParse(parseJson(line));
    if (!told.success) continue;
    const { error } = told.data;
    return {
      otherAgent: error.code === 'already_running',
      problem: {
        kind: problemKindOf(code, error.code),
        message: error.message,
        remedy: error.remedy ?? undefined,
      },
    };
  }
  const how = signal === null ? `with exit code ${code ?? 'unknown'}` : `by ${signal}`;
  const words = lines.slice(-SHOWN_LINES).join('\n');
  return {
    otherAgent: false,
    problem: {
      kind: problemKindOf(code, undefined),
      message: `The agent ended ${how} before it was ready.${words === '' ? '' : `\n${words}`}`,
      remedy: 'Look into the log for the cause.',
    },
  };
}

function readLines(file: string): string[] {
  try {
    return readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => line.trim() !== '');
  } catch {
    // The state folder was removed meanwhile: nothing was said.
    return [];
  }
}

function parseJson(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
