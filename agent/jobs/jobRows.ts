import type { Job, Queue } from 'bullmq';
import type { JobDetail, JobRow, JobState } from '../protocol/model.ts';
import { labelOfDeduplicationId } from './uniqueKey.ts';

const PREVIEW_CHARACTERS = 200;

/**
 * A BullMQ job as clients see it.
 * @param dueMs when it is delayed: a retry's wait counts from its failure, which the job does not tell
 */
export function toJobRow(job: Job, queue: string, state: JobState, dueMs?: number): JobRow {
  return {
    id: job.id ?? '?',
    queue,
    type: job.name,
    state,
    key: job.deduplicationId === undefined ? null : labelOfDeduplicationId(job.deduplicationId),
    dataPreview: preview(job.data),
    attemptsMade: job.attemptsMade,
    maxAttempts: job.opts.attempts ?? 1,
    // BullMQ's 0 is what every job begins with: nothing was reported.
    progress: job.progress === 0 ? null : job.progress,
    createdAt: new Date(job.timestamp).toISOString(),
    startedAt: isoOrNull(job.processedOn),
    finishedAt: isoOrNull(job.finishedOn),
    dueAt: isoOrNull(dueMs),
    // BullMQ's types promise a text; a job that has not failed has none.
    failedReason: job.failedReason ? job.failedReason : null,
  };
}

/** Everything about one job, its logs too. */
export async function toJobDetail(
  job: Job,
  queue: Queue,
  state: JobState,
  dueMs?: number,
): Promise<JobDetail> {
  const { logs } = await queue.getJobLogs(job.id ?? '');
  const data: unknown = job.data;
  const result: unknown = job.returnvalue;
  return {
    ...toJobRow(job, queue.name, state, dueMs),
    data: data ?? null,
    result: result ?? null,
    stacktrace: job.stacktrace ?? [],
    logs,
  };
}

function preview(data: unknown): string {
  const text = JSON.stringify(data ?? null);
  return text.length <= PREVIEW_CHARACTERS ? text : `${text.slice(0, PREVIEW_CHARACTERS - 1)}…`;
}

function isoOrNull(ms: number | undefined | null): string | null {
  return ms === undefined || ms === null ? null : new Date(ms).toISOString();
}
