import { relative } from 'node:path';
import { InterlockError } from '../common/errors.ts';
import type { CompartmentKind } from './compartment.ts';
import type { WireError } from './hostProtocol.ts';

/** Whose end is told. */
interface EndedHost {
  file: string;
  kind: CompartmentKind;
}

/** The path as people know it: from the folder that the agent works in, when the file lies below it. */
export function shownPath(file: string): string {
  const path = relative(process.cwd(), file);
  return path === '' || path.startsWith('..') ? file : path;
}

/** @param at `path:line:column`, where that is known */
export function loadFailed(file: string, error: WireError, at: string | null): InterlockError {
  const kind = error.isError && error.name !== 'NoHandlerError' && error.name !== 'Error';
  const cause = `${kind ? `${error.name}: ` : ''}${error.isError ? error.message : thrownText(error)}`;
  return new InterlockError({
    code: 'handler_load_failed',
    message: `The handler ${shownPath(file)} can not be loaded: ${cause}${at === null ? '' : ` (${at})`}`,
    remedy:
      error.name === 'NoHandlerError'
        ? 'Export the handler with `export default async (job, ctx) => { … }`.'
        : 'Correct the file; the next run loads it again.',
    details: { file, at, stack: error.stack, errorName: error.name },
  });
}

/** @param tail the last lines that it wrote to stderr */
export function endedWhileLoading(
  { file, kind }: EndedHost,
  how: string,
  tail: string[],
): InterlockError {
  return new InterlockError({
    code: 'handler_load_failed',
    message: `The handler ${shownPath(file)} can not be loaded: its ${kind} ended (${how})${tailText(tail)}`,
    remedy:
      'Look for code at the top level of the file, or of what it imports, that ends its process or thread.',
    details: { file, stderr: tail },
  });
}

/** Not the handler's fault: its run goes back and keeps its attempt. */
export function agentWasSilent(file: string, silenceMs: number): InterlockError {
  return new InterlockError({
    code: 'lease_lost',
    message: `The handler process of ${shownPath(file)} ended itself: it heard nothing from its agent for ${silenceMs} ms`,
    remedy:
      'The run starts again. If it happens often, the machine is overloaded, or an inline handler blocks the agent: raise "lease.ttl".',
    details: { file, silenceMs },
  });
}

export function loadTimedOut(file: string, timeoutMs: number): InterlockError {
  return new InterlockError({
    code: 'handler_load_failed',
    message: `The handler ${shownPath(file)} can not be loaded: it did not finish loading in ${timeoutMs / 1_000} s`,
    remedy: 'Look for a top-level await, or a loop at the top level, that does not end.',
    details: { file, timeoutMs },
  });
}

/** The stack is the handler's own, so that what is kept with the job shows the user's lines. */
export function handlerFailed(file: string, error: WireError): InterlockError {
  return new InterlockError({
    code: 'handler_failed',
    message: error.isError
      ? `The handler ${shownPath(file)} failed: ${error.message === '' ? error.name : error.message}`
      : `The handler ${shownPath(file)} failed: it ${thrownText(error)}`,
    ...(error.isError
      ? {}
      : { remedy: 'Throw an Error, so that its stack tells where it happened.' }),
    details: { file, stack: error.stack, errorName: error.name },
  });
}

export function resultInvalid(file: string, problem: string): InterlockError {
  return new InterlockError({
    code: 'handler_result_invalid',
    message: `The handler ${shownPath(file)} returned something that is not JSON: ${problem}`,
    remedy: 'Return JSON values only, or nothing.',
    details: { file, problem },
  });
}

/** @param how exit code or signal, in words */
export function handlerDied(
  { file, kind }: EndedHost,
  how: string,
  tail: string[],
): InterlockError {
  return new InterlockError({
    code: 'handler_died',
    message: `The ${kind} of the handler ${shownPath(file)} ended while the job ran (${how})${tailText(tail)}`,
    remedy: 'Look for process.exit, memory use and native modules in the handler.',
    details: { file, how, stderr: tail },
  });
}

export function handlerCrashed({ file, kind }: EndedHost, error: WireError): InterlockError {
  const cause = error.isError ? `${error.name}: ${error.message}` : `it ${thrownText(error)}`;
  return new InterlockError({
    code: 'handler_died',
    message: `The ${kind} of the handler ${shownPath(file)} ended while the job ran: nobody caught ${cause}`,
    remedy: 'Await every promise of the handler, and listen to the error events of what it opens.',
    details: { file, how: 'uncaught', stack: error.stack, errorName: error.name },
  });
}

export function runnerClosed(file: string): InterlockError {
  return new InterlockError({
    code: 'agent_stopping',
    message: `The handler ${shownPath(file)} takes no more runs, as the agent stops`,
    remedy: 'Start the agent again; the job waits in its queue.',
    details: { file },
  });
}

export function endedByStop(file: string): InterlockError {
  return new InterlockError({
    code: 'agent_stopping',
    message: `A run of the handler ${shownPath(file)} was ended before it was done, as the agent stops`,
    remedy: 'Listen to ctx.signal, so that a long run can end in time.',
    details: { file },
  });
}

function thrownText(error: WireError): string {
  return `threw something that is no Error: ${error.message} (${error.name})`;
}

function tailText(tail: string[]): string {
  return tail.length === 0 ? '' : `: ${tail.slice(-5).join(' | ')}`;
}
