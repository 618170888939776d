import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../agent/common/errors.ts';

export interface EventuallyOptions {
  /** How long to wait at most. Default 40 s. */
  deadlineMs?: number;
  /** Pause between two looks. Default 25 ms. */
  everyMs?: number;
}

/**
 * Waits until `look` answers something other than `undefined`, `null` or `false`.
 * What `look` throws counts as "not yet", so assertions may stand in it.
 * @param what completes the sentence "waited for ..."
 * @returns the answer
 * @throws Error after the deadline, with the last failure of `look` as its cause
 */
export async function eventually<T>(
  what: string,
  look: () => T | Promise<T>,
  options: EventuallyOptions = {},
): Promise<NonNullable<Exclude<T, false>>> {
  const deadlineMs = options.deadlineMs ?? 40_000;
  const startedAt = performance.now();
  let trouble: unknown;
  for (;;) {
    try {
      const answer = await look();
      if (isThere(answer)) return answer;
      trouble = undefined;
    } catch (error) {
      trouble = error;
    }
    if (performance.now() - startedAt >= deadlineMs) break;
    await delay(options.everyMs ?? 25);
  }
  const why = trouble === undefined ? '' : `: ${messageOf(trouble)}`;
  throw new Error(`Waited ${deadlineMs} ms for ${what}, in vain${why}`, { cause: trouble });
}

function isThere<T>(answer: T): answer is NonNullable<Exclude<T, false>> {
  return answer !== undefined && answer !== null && answer !== false;
}
