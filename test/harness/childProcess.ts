import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';

export interface StartedProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** Everything it has written so far, stdout and stderr together. */
  output(): string;
  /** Exit code or signal, once it has ended and its output is complete. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/**
 * Starts a program without a shell and collects its output.
 * @throws Error when it can not be started
 */
export async function startProcess(
  program: string,
  args: string[],
  options: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): Promise<StartedProcess> {
  const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  const chunks: string[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => chunks.push(chunk));
  }
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (code, signal) => resolve(signal ?? code ?? 0));
  });
  await once(child, 'spawn');
  const pid = child.pid;
  if (pid === undefined) throw new Error(`${program} was started and has no process id`);
  return { child, pid, ended, output: () => chunks.join('') };
}

/** Whether the process runs: one that has ended and waits for a frozen parent does not. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

/** Polite first, then not: SIGTERM, and SIGKILL after `graceMs`. */
export async function endProcess(
  started: StartedProcess,
  graceMs = 5_000,
): Promise<number | NodeJS.Signals> {
  started.child.kill('SIGTERM');
  const timer = setTimeout(() => started.child.kill('SIGKILL'), graceMs);
  const how = await started.ended;
  clearTimeout(timer);
  return how;
}
