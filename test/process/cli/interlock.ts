import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import * as path from 'node:path';
import type * as z from 'zod';
import { BUILD } from '../../harness/builds.ts';
import type { TestWorkspace } from '../../harness/workspace.ts';

export interface CommandEnd {
  code: number | NodeJS.Signals;
  stdout: string;
  stderr: string;
}

export interface RunningCommand {
  readonly child: ChildProcess;
  stdout(): string;
  stderr(): string;
  readonly ended: Promise<CommandEnd>;
}

/** Starts the built command on a workspace, as a person does, and does not wait for it. */
export function startInterlock(
  workspace: TestWorkspace,
  args: string[],
  env: NodeJS.ProcessEnv = {},
  build = BUILD,
): RunningCommand {
  const child = spawn(process.execPath, [path.join(build.folder, 'cli.js'), ...args], {
    cwd: workspace.folder,
    env: { ...process.env, REDIS_URL: '', INTERLOCK_STATE_DIR: workspace.stateFolder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const texts = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => (texts.stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (texts.stderr += text));
  const ended = new Promise<CommandEnd>((resolve) => {
    child.once('close', (code, signal) => resolve({ code: signal ?? code ?? 0, ...texts }));
  });
  return { child, ended, stdout: () => texts.stdout, stderr: () => texts.stderr };
}

export function interlock(workspace: TestWorkspace, ...args: string[]): Promise<CommandEnd> {
  return startInterlock(workspace, args).ended;
}

/**
 * Runs a command with --json and parses its one document.
 * @throws Error when stdout is anything else, or the document has another shape
 */
export async function interlockJson<S extends z.ZodType>(
  workspace: TestWorkspace,
  schema: S,
  ...args: string[]
): Promise<{ code: number | NodeJS.Signals; json: z.infer<S> }> {
  const { code, stdout, stderr } = await interlock(workspace, ...args, '--json');
  try {
    return { code, json: schema.parse(JSON.parse(stdout)) };
  } catch (error) {
    throw new Error(`${args.join(' ')} wrote:\n${stdout}\n${stderr}`, { cause: error });
  }
}

/** Command lines of processes that name the workspace: agents, keepers, private servers. */
export function processesOf(workspace: TestWorkspace): string[] {
  const root = path.dirname(workspace.folder);
  return execFileSync('ps', ['-eo', 'pid=,args='], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(`${root}/`) && !line.includes('<defunct>'));
}
