import type { Holder } from '../protocol/decision.ts';
import type { JobRow, RunRow } from '../protocol/model.ts';

/** What a job's row does not tell of its run. */
export interface RunFacts {
  /** null: nobody is known to run it. */
  worker: Holder | null;
  fence: number | null;
  schedule: string | null;
  /** By Redis' clock, ms since the epoch. */
  nowMs: number;
}

/**
 * The run of a job that is active.
 * @returns undefined for a job that has not started
 */
export function runningRow(job: JobRow, facts: RunFacts): RunRow | undefined {
  if (job.state !== 'active' || job.startedAt === null) return undefined;
  const { worker, fence, schedule, nowMs } = facts;
  return {
    id: `${job.queue}/${job.id}`,
    ...{ jobId: job.id, queue: job.queue, type: job.type, key: job.key, status: 'running' },
    ...{ startedAt: job.startedAt, endedAt: null, worker, schedule, fence, error: null },
    pausedMs: 0,
    waitedMs: null,
    durationMs: Math.max(0, Math.round(nowMs - Date.parse(job.startedAt))),
    attempt: job.attemptsMade + 1,
  };
}
