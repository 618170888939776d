import type { Job } from 'bullmq';
import { InterlockError } from '../common/errors.ts';
import {
  jobState,
  type JobDetail,
  type JobRow,
  type JobState,
  type QueueRow,
} from '../protocol/model.ts';
import { toJobDetail, toJobRow } from './jobRows.ts';
import type { OutsideRuns } from './outsideRuns.ts';
import type { QueueSet } from './queueSet.ts';

export interface JobFilter {
  type?: string | undefined;
  state?: JobState | undefined;
  queue?: string | undefined;
  /** Found in the id, the key, the payload or the failure. */
  search?: string | undefined;
  limit: number;
  offset: number;
}

/** Jobs are read in pages of this size while a filter looks for matches. */
const SCAN_PAGE = 200;

/** So many runs of one queue are looked at when all are asked for. */
const MOST_ACTIVE = 5_000;

const ALL_STATES = jobState.options;

/** Reads queues and jobs out of BullMQ. */
export class JobReader {
  constructor(
    private readonly queues: QueueSet,
    private readonly outside: Pick<OutsideRuns, 'of'>,
  ) {}

  async queueRows(): Promise<QueueRow[]> {
    return Promise.all(this.queues.names().map((name) => this.queueRow(name)));
  }

  async queueRow(name: string): Promise<QueueRow> {
    const queue = this.queues.get(name);
    const [counts, paused] = await Promise.all([queue.getJobCounts(), queue.isPaused()]);
    const of = (state: JobState) => counts[state] ?? 0;
    return {
      name,
      paused,
      counts: {
        // A paused queue keeps its waiting jobs under another name in some versions of BullMQ.
        waiting: of('waiting') + (counts['paused'] ?? 0),
        active: of('active'),
        delayed: of('delayed'),
        prioritized: of('prioritized'),
        completed: of('completed'),
        failed: of('failed'),
        'waiting-children': of('waiting-children'),
      },
      jobTypes: this.queues.jobTypesOf(name),
    };
  }

  /** The newest jobs of one state of one queue. */
  async newest(queue: string, state: JobState, count: number): Promise<JobRow[]> {
    return this.withOutside(await this.page(queue, state, 0, count));
  }

  /** The rows with who runs them now, where that is a worker outside Interlock. */
  async withOutside(rows: JobRow[]): Promise<JobRow[]> {
    const active = rows.filter(({ state }) => state === 'active');
    const runs = new Map((await this.outside.of(active)).map((run, at) => [active[at], run]));
    return rows.map((row) => {
      const outside = runs.get(row);
      return outside === undefined && row.outside === undefined ? row : { ...row, outside };
    });
  }

  /**
   * Active jobs of all queues that started at that time or before, the oldest first; younger ones
   * may be among them. Where none is old, it reads one job of each queue at most.
   */
  async activeSince(startedMs: number): Promise<JobRow[]> {
    const perQueue = await Promise.all(
      this.queues.names().map((queue) => this.oldestActive(queue, startedMs)),
    );
    return perQueue.flat().sort((a, b) => startOf(a) - startOf(b));
  }

  /** Jobs that match, newest first within each state. */
  async list(filter: JobFilter): Promise<JobRow[]> {
    const queueNames =
      filter.queue === undefined
        ? this.queuesFor(filter.type)
        : [this.queues.require(filter.queue).name];
    const states = filter.state === undefined ? ALL_STATES : [filter.state];
    const wanted = filter.offset + filter.limit;
    const rows: JobRow[] = [];
    for (const state of states) {
      for (const queue of queueNames) {
        for (let start = 0; rows.length < wanted; start += SCAN_PAGE) {
          const page = await this.page(queue, state, start, SCAN_PAGE);
          rows.push(...page.filter((row) => matches(row, filter)));
          if (page.length < SCAN_PAGE) break;
        }
      }
    }
    return this.withOutside(rows.slice(filter.offset, wanted));
  }

  /** @throws InterlockError `not_found` */
  async find(id: string, queueName?: string): Promise<{ job: Job; queue: string }> {
    const names =
      queueName === undefined ? this.queues.names() : [this.queues.require(queueName).name];
    for (const name of names) {
      const job = await this.queues.get(name).getJob(id);
      // A removed job can come back as undefined or null, as BullMQ's types do not tell.
      if (job) return { job, queue: name };
    }
    throw new InterlockError({
      code: 'not_found',
      message: `There is no job ${id}${queueName === undefined ? '' : ` in queue ${queueName}`}.`,
      remedy: 'It may have been removed; "interlock jobs" lists what is there.',
      details: { id },
    });
  }

  async detail(id: string, queueName?: string): Promise<JobDetail> {
    const { job, queue } = await this.find(id, queueName);
    const [state, [dueMs]] = await Promise.all([stateOf(job), this.queues.dueTimes(queue, [id])]);
    // It may have ended between the two reads: then its result belongs to the state.
    const endedMeanwhile = isFinished(state) && job.finishedOn === undefined;
    const latest = endedMeanwhile ? (await this.find(id, queue)).job : job;
    const detail = await toJobDetail(latest, this.queues.get(queue), state, dueMs);
    if (state !== 'active') return detail;
    const [outside] = await this.outside.of([{ queue, id }]);
    return outside === undefined ? detail : { ...detail, outside };
  }

  private async oldestActive(queue: string, startedMs: number): Promise<JobRow[]> {
    const count = Math.min(MOST_ACTIVE, await this.queues.get(queue).getActiveCount());
    // A job that ends between two pages moves the others, and one may come twice.
    const jobs = new Map<string, JobRow>();
    let size = 1;
    for (let start = 0; start < count; start += size, size = SCAN_PAGE) {
      const page = await this.page(queue, 'active', start, size, true);
      for (const job of page) jobs.set(job.id, job);
      if (page.some((job) => startOf(job) > startedMs)) break;
    }
    return [...jobs.values()];
  }

  private queuesFor(type: string | undefined): string[] {
    if (type === undefined) return this.queues.names();
    const holding = this.queues
      .names()
      .filter((name) => this.queues.jobTypesOf(name).includes(type));
    return holding.length > 0 ? holding : this.queues.names();
  }

  private async page(
    queue: string,
    state: JobState,
    start: number,
    count: number,
    oldestFirst = false,
  ): Promise<JobRow[]> {
    const found = await this.queues
      .get(queue)
      .getJobs([state], start, start + count - 1, oldestFirst);
    // A job that ended between two reads is missing here and present in its next state.
    const jobs = found.filter((job: Job | undefined) => job !== undefined);
    const due =
      state === 'delayed'
        ? await this.queues.dueTimes(
            queue,
            jobs.map((job) => job.id ?? ''),
          )
        : [];
    return jobs.map((job, index) => toJobRow(job, queue, state, due[index]));
  }
}

function startOf(job: JobRow): number {
  return job.startedAt === null ? 0 : Date.parse(job.startedAt);
}

function isFinished(state: JobState): boolean {
  return state === 'completed' || state === 'failed';
}

/** BullMQ's state of a job, as one of ours. */
export async function stateOf(job: Job): Promise<JobState> {
  const parsed = jobState.safeParse(await job.getState());
  return parsed.success ? parsed.data : 'waiting';
}

function matches(row: JobRow, filter: JobFilter): boolean {
  if (filter.type !== undefined && row.type !== filter.type) return false;
  if (filter.search === undefined) return true;
  const text = [row.id, row.key, row.dataPreview, row.failedReason].join('\n').toLowerCase();
  return text.includes(filter.search.toLowerCase());
}
