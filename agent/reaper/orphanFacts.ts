import type { DeadLease } from '../leases/lease.ts';
import type { AgentEntry } from '../state/agentRegistry.ts';
import type { ActiveJob } from './activeJob.ts';

/** What became of the job that something is for, as far as it makes an orphan. */
export type JobFate = 'gone' | 'finished';

/** A uniqueness key of BullMQ without an end, whose job is gone or has ended. */
export interface DedupFact {
  key: string;
  queue: string;
  /** The uniqueness id. */
  id: string;
  jobId: string;
  fate: JobFate;
}

/** A place under `maxConcurrent` whose job is gone or has ended in every queue. */
export interface AdmissionFact {
  type: string;
  jobId: string;
  fate: JobFate;
}

/** A note of a run whose job has no lock in any queue. */
export interface RunFact {
  type: string;
  field: string;
  value: string;
  jobId: string;
}

export interface AgentFact {
  entry: AgentEntry;
  /** Since when its entry has been seen unchanged. A living agent writes it anew every 5 s. */
  unchangedMs: number;
}

/** What was read: everything in it is dead as far as one look can tell. */
export interface OrphanFacts {
  /** Queues of the config: in others nothing is changed. */
  declaredQueues: ReadonlySet<string>;
  leases: readonly DeadLease[];
  dedups: readonly DedupFact[];
  admissions: readonly AdmissionFact[];
  runs: readonly RunFact[];
  agents: readonly AgentFact[];
  activeJobs: readonly ActiveJob[];
}
