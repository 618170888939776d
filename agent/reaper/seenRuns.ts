import type { Clock } from '../common/clock.ts';
import type { WorkerClient } from '../jobs/workerClients.ts';
import type { ActiveJob } from './activeJob.ts';

/** A stall is told within BullMQ's `stalledInterval`, 30 s unless set, after the end of the lock. */
const KEEP_MS = 120_000;
const MOST_RUNS = 50_000;

interface SeenRun {
  job: ActiveJob;
  /** The connection of its worker, where that is one outside Interlock. */
  client: WorkerClient | null;
  atMs: number;
}

/**
 * Who had the lock of each run, as it was seen last. When a lock has ended nothing in Redis tells
 * whose it was, and the next run writes over the rest.
 */
export class SeenRuns {
  /** By queue, job and start; what was seen last stands last. */
  private readonly runs = new Map<string, SeenRun>();

  constructor(private readonly clock: Clock) {}

  /** @param jobs what is active now; those without a lock tell nothing */
  note(jobs: readonly ActiveJob[]): void {
    const atMs = this.clock.monotonic();
    for (const job of jobs) {
      if (job.lockToken === null) continue;
      const key = keyOf(job);
      const client = this.runs.get(key)?.client ?? null;
      this.runs.delete(key);
      this.runs.set(key, { job, client, atMs });
    }
    for (const [key, run] of this.runs) {
      if (atMs - run.atMs < KEEP_MS && this.runs.size <= MOST_RUNS) break;
      this.runs.delete(key);
    }
  }

  of(run: Pick<ActiveJob, 'queue' | 'id' | 'starts'>): Readonly<SeenRun> | undefined {
    return this.runs.get(keyOf(run));
  }

  setClient(run: ActiveJob, client: WorkerClient): void {
    const seen = this.runs.get(keyOf(run));
    if (seen !== undefined) seen.client = client;
  }
}

function keyOf({ queue, id, starts }: Pick<ActiveJob, 'queue' | 'id' | 'starts'>): string {
  return `${queue}/${starts}/${id}`;
}
