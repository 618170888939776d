import type { JobsOptions } from 'bullmq';
import type { RetryConfig } from '../config/schema.ts';

/** The name under which BullMQ asks us for the delay of a retry with intervals. */
export const INTERVALS_BACKOFF = 'interlock-intervals';

/** BullMQ's attempts and backoff for a retry rule; without one a job is tried once. */
export function retryOptions(
  retry: RetryConfig | undefined,
): Pick<JobsOptions, 'attempts' | 'backoff'> {
  if (retry === undefined) return { attempts: 1 };
  if ('intervals' in retry)
    return { attempts: retry.max + 1, backoff: { type: INTERVALS_BACKOFF } };
  return { attempts: retry.max + 1, backoff: { type: retry.backoff, delay: retry.delay } };
}

/**
 * The wait before the next try. The last interval holds for all further ones.
 * @param attemptsMade tries so far, 1 after the first failure
 */
export function intervalDelayMs(retry: RetryConfig | undefined, attemptsMade: number): number {
  if (retry === undefined || !('intervals' in retry)) return 0;
  const index = Math.min(Math.max(attemptsMade, 1), retry.intervals.length) - 1;
  return retry.intervals[index] ?? 0;
}
