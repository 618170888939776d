import type { Decision } from '../protocol/decision.ts';

/**
 * What there is to do about a refusal of a script that says no more than what it found: the text is
 * made when it is read, so that it is neither sent nor kept thousands of times.
 */
export function remedyOf(
  decision: Pick<Decision, 'subject' | 'outcome' | 'reason' | 'survivor' | 'until'>,
): string | null {
  const { subject, outcome, reason, survivor, until } = decision;
  if (reason === 'lease_lost') return 'Nothing is to be done: whoever holds the lease now goes on.';
  const isInTheWay = outcome !== 'accepted' && outcome !== 'replaced' && outcome !== 'rescheduled';
  if (!isInTheWay || survivor === null) return null;
  const { jobId } = survivor;
  if (reason === 'concurrency_limit')
    return `Wait for job ${jobId} to end, remove one that only waits, or raise "maxConcurrent" of ${subject}.`;
  if (reason !== 'unique_key') return null;
  return until === null
    ? `Wait for job ${jobId} to end, remove it if it only waits, or change "unique" of ${subject}.`
    : `Wait until the window ends, remove job ${jobId}, which ends it at once, or change "unique" of ${subject}.`;
}
