import type { EndedRun } from '../history/runEntry.ts';
import type { Holder } from '../protocol/decision.ts';
import type { TakeoverReason } from './takeoverDecision.ts';

const LOSSES: Record<TakeoverReason, string> = {
  holder_dead: 'died',
  lease_lost: 'did not renew the lock of the job',
};

/** A run that ended without its worker: what the run history needs to know. */
export interface LostRun {
  queue: string;
  jobId: string;
  type: string;
  /** For people; null without a uniqueness rule. */
  key: string | null;
  /** Agent id, or the name of another BullMQ worker. */
  worker: string;
  /** Who that is or was; null when it is not known any more. */
  holder: Holder | null;
  reason: TakeoverReason;
  /** Redis or worker time, as BullMQ wrote it. */
  startedAtMs: number | null;
  /** 1 for the first. It is used up only when the run had ended by itself. */
  attempt: number;
  /** null when the run had not got so far. */
  fence: number | null;
}

/** The run as the history keeps it. @param nowMs when it was found */
export function endedRunOf(run: LostRun, nowMs: number): EndedRun {
  const { jobId, queue, type, key, fence, attempt, holder, worker, reason } = run;
  const who = holder === null ? `Worker ${worker}` : `Process ${holder.pid} on ${holder.host}`;
  return {
    ...{ jobId, queue, type, key, fence, attempt, status: 'lost' },
    startedAtMs: run.startedAtMs ?? nowMs,
    endedAtMs: nowMs,
    error: `${who} ${LOSSES[reason]}; the job runs again.`,
    worker: holder,
  };
}
