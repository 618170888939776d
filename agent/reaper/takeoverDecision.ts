import type { ActiveJob } from './activeJob.ts';

/** Why a job may be taken over: the proof. */
export type TakeoverReason = 'holder_dead' | 'lease_lost';

export interface Takeover {
  job: ActiveJob;
  reason: TakeoverReason;
}

/** A handler process leaves 200 ms after its agent has died: its successor begins after that. */
export const HANDLERS_LEAVE_MS = 250;

export interface TakeoverView {
  /** For how long the owner of a lock's token is proven gone; undefined when it is not. */
  deadForMs: (token: string) => number | undefined;
  /** Whether this process is at work on the job: then it gives it up itself. */
  runsHere: (job: ActiveJob) => boolean;
  /** A lock that is renewed in time never has less left than that, in ms. */
  leastLeftMs: (job: ActiveJob) => number;
}

export interface TakeoverPlan {
  takeovers: Takeover[];
  /** When the next of the others may be lost: milliseconds from now; undefined when none will. */
  nextLossMs: number | undefined;
  /** Types of jobs that will be lost soon, or are: their handlers will be needed. */
  needed: Set<string>;
}

/**
 * Which of these jobs have lost their worker. Age says nothing: only a worker that is proven gone, or
 * a lock that was not renewed until its end.
 */
export function planTakeovers(jobs: readonly ActiveJob[], view: TakeoverView): TakeoverPlan {
  const takeovers: Takeover[] = [];
  let nextLossMs: number | undefined;
  const needed = new Set<string>();
  for (const job of jobs) {
    const { reason, inMs } = lossOf(job, view);
    if (inMs <= 0) takeovers.push({ job, reason });
    else if (inMs < Infinity) nextLossMs = Math.min(nextLossMs ?? Infinity, inMs);
    if (reason === 'holder_dead' || inMs < view.leastLeftMs(job)) needed.add(job.type);
  }
  return { takeovers, nextLossMs, needed };
}

/** When the job counts as lost, unless something happens until then: milliseconds from now. */
function lossOf(job: ActiveJob, view: TakeoverView): { reason: TakeoverReason; inMs: number } {
  if (job.lockToken === null) {
    return { reason: 'lease_lost', inMs: view.runsHere(job) ? Infinity : 0 };
  }
  const deadForMs = view.deadForMs(job.lockToken);
  if (deadForMs !== undefined) {
    return { reason: 'holder_dead', inMs: HANDLERS_LEAVE_MS - deadForMs };
  }
  // A lock is there until its end, and that moment included. One without an end never is lost.
  return { reason: 'lease_lost', inMs: job.lockTtlMs < 0 ? Infinity : job.lockTtlMs + 1 };
}
