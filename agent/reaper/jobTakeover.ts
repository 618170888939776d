import * as z from 'zod';
import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { WakeableSleep } from '../common/wakeableSleep.ts';
import type { Config } from '../config/schema.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import { labelOfDeduplicationId } from '../jobs/uniqueKey.ts';
import type { Logger } from '../logging.ts';
import type { Keys } from '../redis/keys.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { PeerWatch } from '../state/peerWatch.ts';
import { readActiveJobs, type ActiveJob } from './activeJob.ts';
import type { LostRun } from './lostRun.ts';
import { planTakeovers, type Takeover, type TakeoverView } from './takeoverDecision.ts';
import { TroubleLog } from './troubleLog.ts';

/** How often active jobs are looked at when no lock ends sooner. */
const LOOK_EVERY_MS = 500;
/** Our clock and that of Redis do not tick at the same moment. */
const AFTER_LOSS_MS = 5;
/** A lock is renewed when two thirds of it are left, and it is the most part of the lease. */
const RENEWED_SHARE = 0.4;
const RETRY_AFTER_TROUBLE_MS = 1_000;

export interface JobTakeoverOptions {
  config: Config;
  scripts: Scripts;
  keys: Keys;
  decisions: DecisionLog;
  peers: Pick<PeerWatch, 'deadForMs' | 'holderOf'>;
  clock: Clock;
  logger: Logger;
  /** Whether a handler of this process is at work on the job: then its worker gives it up itself. */
  runsHere: (queue: string, jobId: string) => boolean;
  /** Jobs of this type may have to run here in a moment. */
  warmUp: (type: string) => void;
  /** What is active now, before anything is done about it. */
  onLook: (jobs: ActiveJob[]) => void;
  /** Whether a worker outside Interlock ran it: then its stall is explained elsewhere. */
  ranOutside: (job: ActiveJob) => boolean;
  /** A run was lost; its job waits again. */
  onLost: (run: LostRun) => void | Promise<void>;
}

const takeOverAnswer = z.union([
  z.tuple([z.literal('taken'), z.string()]),
  z.tuple([z.literal('gone')]),
  z.tuple([]),
]);

/** Gives jobs back to their queue whose worker is gone: at once when that is proven, else when their lock ends. */
export class JobTakeover {
  /** What proves that a worker is gone. */
  readonly view: TakeoverView;
  private readonly pause: WakeableSleep;
  private readonly trouble: TroubleLog;
  private loop: Promise<void> = Promise.resolve();
  private closed = false;

  constructor(private readonly options: JobTakeoverOptions) {
    const { peers, runsHere } = options;
    this.view = {
      deadForMs: (token) => peers.deadForMs(token),
      runsHere: (job) => runsHere(job.queue, job.id),
      leastLeftMs: (job) => leaseOf(options.config, job.type) * RENEWED_SHARE,
    };
    this.pause = new WakeableSleep(options.clock);
    this.trouble = new TroubleLog(options.logger, 'taking over lost jobs');
  }

  start(): void {
    this.loop = this.run();
  }

  /** An agent has died: looks at once. */
  wake(): void {
    this.pause.wake();
  }

  /** Begins nothing any more. Does not wait for Redis, which may be frozen. */
  close(): void {
    this.closed = true;
    this.pause.wake();
  }

  /** Settles when the last look is over: for tests. */
  get ended(): Promise<void> {
    return this.loop;
  }

  /** @returns the queues of the config: in others nothing is moved */
  queues(): string[] {
    return [...new Set(Object.values(this.options.config.jobs).map((type) => type.queue))];
  }

  /** Looks once, and takes over what is lost. @returns milliseconds until the next look */
  async look(): Promise<number> {
    const { scripts, keys } = this.options;
    const perQueue = await Promise.all(
      this.queues().map((queue) => readActiveJobs(scripts, keys, queue)),
    );
    const jobs = perQueue.flat();
    this.options.onLook(jobs);
    const { takeovers, nextLossMs, needed } = planTakeovers(jobs, this.view);
    for (const type of needed) this.options.warmUp(type);
    for (const takeover of takeovers) {
      if (this.isClosed()) break;
      await this.take(takeover);
    }
    return Math.min(LOOK_EVERY_MS, (nextLossMs ?? LOOK_EVERY_MS) + AFTER_LOSS_MS);
  }

  /** @returns false when the job is another's by now, or has ended */
  async take({ job, reason }: Takeover): Promise<boolean> {
    const { scripts, keys, logger, onLost, ranOutside } = this.options;
    const isOutside = ranOutside(job);
    const of = (part: string) => keys.queue(job.queue, part);
    const answer = takeOverAnswer.parse(
      await scripts.run(
        'takeOverJob',
        [
          ...[of('active'), of('wait'), of('stalled'), of('meta'), of('marker'), of('events')],
          ...[keys.job(job.queue, job.id), keys.jobLock(job.queue, job.id), keys.running(job.type)],
        ],
        [
          ...[job.id, job.worker, reason === 'holder_dead' ? (job.lockToken ?? '') : ''],
          ...[this.keyWhileQueued(job), isOutside ? 'outside' : 'agent'],
        ],
      ),
    );
    if (answer[0] === undefined) return false;
    const run = this.lostRun(job, reason, answer[0] === 'taken' ? answer[1] : '');
    const { queue, jobId, type, key, worker } = run;
    logger.warn(
      { action: 'takeover', job_type: type, key, jobId, queue, worker, reason },
      answer[0] === 'taken' ? 'job lost its worker, runs again' : 'removed the place of a lost job',
    );
    // A job that is gone leaves no event either.
    if (!isOutside || answer[0] === 'gone') await this.tell(run);
    if (answer[0] === 'taken') await onLost(run);
    return true;
  }

  private async run(): Promise<void> {
    while (!this.isClosed()) {
      let waitMs = RETRY_AFTER_TROUBLE_MS;
      try {
        waitMs = await this.look();
        this.trouble.worked();
      } catch (error) {
        if (!this.isClosed()) this.trouble.failed(error);
      }
      await this.pause.sleep(waitMs);
    }
  }

  /** A method: it may have been closed while a call was under way. */
  private isClosed(): boolean {
    return this.closed;
  }

  /** A job that waits again is queued again: where that is what the rule is about, it takes its key back. */
  private keyWhileQueued(job: ActiveJob): string {
    const { config, keys } = this.options;
    const rule = Object.hasOwn(config.jobs, job.type) ? config.jobs[job.type]?.unique : undefined;
    return rule?.while === 'queued' && job.deduplicationId !== null
      ? keys.deduplication(job.queue, job.deduplicationId)
      : '';
  }

  private lostRun(job: ActiveJob, reason: LostRun['reason'], fence: string): LostRun {
    const { deduplicationId, worker } = job;
    return {
      ...{ queue: job.queue, jobId: job.id, type: job.type, worker, reason },
      key: deduplicationId === null ? null : labelOfDeduplicationId(deduplicationId),
      holder: this.options.peers.holderOf(worker),
      startedAtMs: job.startedAtMs,
      attempt: job.attemptsMade + 1,
      fence: fence === '' ? null : Number(fence),
    };
  }

  private async tell({ type, key, jobId, holder, reason, worker }: LostRun): Promise<void> {
    const who = holder === null ? `worker ${worker}` : `process ${holder.pid} on ${holder.host}`;
    const why = reason === 'holder_dead' ? 'is gone' : 'did not renew its lock';
    try {
      await this.options.decisions.record({
        ...{ action: 'takeover', subject: type, key, outcome: 'accepted', reason, jobId, holder },
        ...{ survivor: null, until: null },
        remedy: `It ran in ${who}, which ${why}. It starts again under a new fencing token; what the old run still does is refused.`,
      });
    } catch (error) {
      this.options.logger.warn({ jobId, why: messageOf(error) }, 'takeover not recorded');
    }
  }
}

/** 0 for a type that is not declared: nothing of it runs here. */
function leaseOf({ jobs }: Config, type: string): number {
  return Object.hasOwn(jobs, type) ? (jobs[type]?.lease.ttl ?? 0) : 0;
}
