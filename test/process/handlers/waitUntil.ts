import { setTimeout as delay } from 'node:timers/promises';
import { InterlockError } from '../../../agent/common/errors.ts';
import type { HandlerRunner } from '../../../agent/handlers/runner.ts';

/** Waits until something holds, and fails with what it waited for. */
export async function waitUntil(
  what: string,
  holds: () => boolean,
  timeoutMs = 10_000,
): Promise<void> {
  const deadlineMs = performance.now() + timeoutMs;
  while (!holds()) {
    if (performance.now() > deadlineMs) throw new Error(`waited ${timeoutMs} ms for: ${what}`);
    await delay(5);
  }
}

/** What a run fails with. */
export async function failureOf(run: Promise<unknown>): Promise<InterlockError> {
  try {
    await run;
  } catch (error) {
    if (error instanceof InterlockError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** The one process of a runner. */
export function onlyPid(runner: HandlerRunner): number {
  const [pid, ...others] = runner.processIds();
  if (pid === undefined || others.length > 0) throw new Error('expected one process');
  return pid;
}
