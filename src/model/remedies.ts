import type { Decision, DecisionReason } from '../../agent/protocol/decision.ts';
import type { JobRow, LockRow } from '../../agent/protocol/model.ts';
import { jobKey } from './jobKey.ts';
import type { LockList } from './lockList.ts';
import type { Store } from './store.ts';

export interface JobRef {
  queue: string;
  id: string;
}

/** The part of a job type's config that a decision followed. */
export interface RuleRef {
  type: string;
  field: 'unique' | 'maxConcurrent';
}

/** What a person can do about a decision; what does not fit is left out. */
export interface Remedies {
  /** The job that is there instead, or the one that was accepted. */
  job?: JobRef;
  lock?: LockRow;
  rule?: RuleRef;
  /** It failed, so it can be requeued. */
  failedJob?: JobRef;
}

export function remediesOf(decision: Decision, store: Store, locks: LockList): Remedies {
  const job = jobOf(decision, store);
  const lock = lockOf(decision, job, locks);
  const rule = ruleOf(decision, store);
  const row: JobRow | undefined = job && store.rows('jobs').get(jobKey(job));
  return {
    ...(job === undefined ? {} : { job }),
    ...(lock === undefined ? {} : { lock }),
    ...(rule === undefined ? {} : { rule }),
    ...(job !== undefined && row?.state === 'failed' ? { failedJob: job } : {}),
  };
}

function jobOf({ subject, survivor, jobId }: Decision, store: Store): JobRef | undefined {
  const id = survivor?.jobId ?? jobId;
  const queue = store.agent?.jobTypes.find(({ name }) => name === subject)?.queue;
  return id === null || queue === undefined ? undefined : { queue, id };
}

/** A refusal names its lock by its key, or by the job that has it. */
function lockOf(
  { outcome, key, subject }: Decision,
  job: JobRef | undefined,
  locks: LockList,
): LockRow | undefined {
  if (outcome === 'accepted') return undefined;
  const named = locks.find(key ?? subject) ?? locks.find(subject);
  if (named !== undefined || job === undefined) return named;
  const ofJob = locks.ofJob(job.queue, job.id);
  // Releasing a run ends what goes on; the key that keeps others out goes with its job.
  return ofJob.find(({ kind }) => kind === 'run' || kind === 'job') ?? ofJob[0];
}

function ruleOf({ subject, reason }: Decision, store: Store): RuleRef | undefined {
  if (store.agent?.jobTypes.some(({ name }) => name === subject) !== true) return undefined;
  if (reason === 'concurrency_limit') return { type: subject, field: 'maxConcurrent' };
  return UNIQUE_REASONS.includes(reason) ? { type: subject, field: 'unique' } : undefined;
}

const UNIQUE_REASONS: readonly DecisionReason[] = [
  'unique_key',
  'higher_priority',
  'concurrent_execution_detected',
];
