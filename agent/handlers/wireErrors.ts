import { inspect } from 'node:util';
import type { WireError } from './hostProtocol.ts';

/** Longer texts would make the log of a job unreadable. */
const MAX_MESSAGE_LENGTH = 4_000;
const MAX_STACK_LENGTH = 16_000;

/** Anything thrown as what crosses the channel. Never throws itself, whatever a getter does. */
export function toWireError(thrown: unknown): WireError {
  try {
    if (!(thrown instanceof Error) && !isErrorLike(thrown)) {
      return { name: typeOf(thrown), message: shown(thrown), stack: null, isError: false };
    }
    return {
      name: textOf(thrown.name),
      message: textOf(thrown.message),
      stack: typeof thrown.stack === 'string' ? stackWithCauses(thrown, thrown.stack) : null,
      isError: true,
    };
  } catch {
    return { name: 'Error', message: 'an error that can not be read', stack: null, isError: false };
  }
}

interface ErrorLike {
  name: string;
  message: string;
  stack?: string | undefined;
  cause?: unknown;
}

/** Errors of other realms (`vm`, test tools) are no instances of our Error. */
function isErrorLike(thrown: unknown): thrown is ErrorLike {
  return Object.prototype.toString.call(thrown) === '[object Error]';
}

function stackWithCauses(error: ErrorLike, stack: string): string {
  const parts = [stack];
  let cause = error.cause;
  while (cause instanceof Error && parts.length < 5) {
    parts.push(`Caused by: ${cause.stack ?? cause.message}`);
    cause = cause.cause;
  }
  return parts.join('\n').slice(0, MAX_STACK_LENGTH);
}

/** Whatever the type says, code may have put anything there. */
function textOf(value: unknown): string {
  return (typeof value === 'string' ? value : shown(value)).slice(0, MAX_MESSAGE_LENGTH);
}

function typeOf(thrown: unknown): string {
  return thrown === null ? 'null' : typeof thrown;
}

function shown(thrown: unknown): string {
  return inspect(thrown, { depth: 2, breakLength: Infinity }).slice(0, MAX_MESSAGE_LENGTH);
}
