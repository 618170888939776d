import type { DecisionFields } from '../decisions/decisionLog.ts';
import { outsideWorkerText } from '../jobs/outsideWorkerText.ts';
import { labelOfDeduplicationId } from '../jobs/uniqueKey.ts';
import type { Stall } from '../protocol/decision.ts';

/** What the decision about a stall is made of. */
export interface StallFacts {
  stall: Stall;
  jobId: string;
  type: string;
  deduplicationId: string | null;
  /** BullMQ will fail the job when the next worker takes it. */
  willFail: boolean;
}

const ANY_CAUSE =
  'its process stood still (a breakpoint, SIGSTOP), its event loop was blocked, its process was killed, or it lost Redis';

/** The record of a stall: what happened, what became of the job, and which settings to change. */
export function stallDecision(facts: StallFacts): DecisionFields {
  const { jobId, type, deduplicationId, stall } = facts;
  return {
    ...{ action: 'stall', subject: type, reason: 'lock_not_renewed', jobId },
    key: deduplicationId === null ? null : labelOfDeduplicationId(deduplicationId),
    outcome: stall.next === 'failed' ? 'refused' : 'rescheduled',
    ...{ survivor: null, holder: null, until: null, stall },
    remedy: [whatHappened(stall), whatCameNext(facts), whatToSet(stall)].join(' '),
  };
}

function whatHappened(stall: Stall): string {
  return `It ran in ${outsideWorkerText(stall.worker, stall.address)}, which Interlock did not start and which did not renew its lock within its lockDuration. The cause is one of: ${causes(stall)}.`;
}

function causes({ connected }: Stall): string {
  if (connected === null) return ANY_CAUSE;
  return connected
    ? 'its process stood still (a breakpoint, SIGSTOP), its event loop was blocked, or its machine is gone without a word; its connection to Redis is open'
    : 'its process was killed or ended, or it lost Redis; its connection to Redis is closed';
}

function whatCameNext({ stall, willFail }: StallFacts): string {
  const { movedBy, next, nextWorker, start, stalls } = stall;
  const who = movedBy === 'bullmq' ? "BullMQ's check for stalled jobs" : 'Interlock';
  const often = stalls === 1 ? 'once' : `${stalls} times`;
  switch (next) {
    case 'failed':
      return `${who} moved it, and it was failed with "job stalled more than allowable limit": it has stalled ${often}, which is more than "maxStalledCount" allows.`;
    case 'removed':
      return `${who} put it back into its queue, and it was removed since.`;
    case 'started':
      return `${who} put it back into its queue, and it was started again${nextWorker === null ? '' : ` in ${nextWorker}`}: start ${start + 1} of the same job. What start ${start} did is not undone, and it may still go on.`;
    case 'waits':
      return willFail
        ? `${who} put it back into its queue: the next worker that takes it fails it with "job stalled more than allowable limit", because it has stalled ${often}.`
        : `${who} put it back into its queue, where it waits to be started again: start ${start + 1} of the same job. What start ${start} did is not undone, and it may still go on.`;
  }
}

function whatToSet({ movedBy }: Stall): string {
  const stalled =
    movedBy === 'bullmq'
      ? ' "stalledInterval" says how often BullMQ looks for such jobs, "maxStalledCount" how many stalls of a job it lets pass.'
      : '';
  return `In the options of that BullMQ Worker raise "lockDuration" (30000 ms unless set) above the longest pause, such as 1800000 while you debug. Where code blocks the event loop, run it in a sandboxed processor (a file, with "useWorkerThreads") or lower "concurrency".${stalled}`;
}
