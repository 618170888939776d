import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import type { Clock } from '../common/clock.ts';
import { hostEnvironment } from './hostEnvironment.ts';

/** After its end, what a process wrote last may still be on its way. */
const LAST_WORDS_MS = 200;

/**
 * The id of the inspector is told on stderr, which is a pipe of ours, and not over HTTP: who does not
 * know it can not attach.
 */
const INSPECTOR_FLAGS = ['--inspect-publish-uid=stderr'];

/** What Node tells of its inspector, its address among it: nothing for a log. */
const INSPECTOR_LINE =
  /^(Debugger listening on |Debugger attached|Debugger ending on |For help, see: https:\/\/nodejs\.org\/|Waiting for the debugger to disconnect)/;

export interface HostProgram {
  file: string;
  jobType: string;
  silenceMs: number;
  /** It waits for a debugger before it loads the handler. */
  inspect: boolean;
  /** Where `handlerHost.js` and what it needs lie. */
  programFolder: string;
}

/** Starts a handler process. */
export function forkHost(program: HostProgram): ChildProcess {
  const { programFolder, jobType, file, silenceMs, inspect } = program;
  const silence = String(Math.round(silenceMs));
  return fork(
    join(programFolder, 'handlerHost.js'),
    ['interlock-handler', jobType, file, silence, inspect ? 'inspect' : 'plain'],
    {
      // Not the agent's own flags: an inspector or a loader of the agent is not the handler's.
      execArgv: inspect ? INSPECTOR_FLAGS : [],
      env: hostEnvironment(process.env),
      stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'overlapped'],
      serialization: 'json',
    },
  );
}

export function isInspectorLine(line: string): boolean {
  return INSPECTOR_LINE.test(line);
}

/** Tells the end of a process once, after its last messages and its output have arrived. */
export function watchEnd(child: ChildProcess, clock: Clock, onEnd: (how: string) => void): void {
  let how = 'it could not be started';
  const parts = new Set(['close', 'disconnect']);
  const finish = () => onEnd(how);
  const end = (part: string) => {
    parts.delete(part);
    if (parts.size === 0) finish();
  };
  child.once('close', () => end('close'));
  child.once('disconnect', () => end('disconnect'));
  child.once('exit', (code, signal) => {
    how = signal === null ? `exit code ${String(code)}` : `signal ${signal}`;
    // A process started by the handler may hold the pipes open.
    clock.setTimeout(finish, LAST_WORDS_MS);
  });
  child.once('error', (error) => {
    if (child.pid !== undefined) return;
    how = `it could not be started: ${error.message}`;
    finish();
  });
}
