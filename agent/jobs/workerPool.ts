import * as path from 'node:path';
import { DelayedError, Job, UnrecoverableError, Worker, type Telemetry } from 'bullmq';
import { sleep, type Clock } from '../common/clock.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import type { JsonValue } from '../common/json.ts';
import type { Config, JobTypeConfig } from '../config/schema.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import type { HandlerRunner } from '../handlers/runner.ts';
import type { EndedRun } from '../history/runEntry.ts';
import type { Logger } from '../logging.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { Enqueuing } from './enqueuing.ts';
import type { JobClaim } from './jobClaim.ts';
import { JobRun, type JobRunContext, type JobRunner, type TypeSlot } from './jobRun.ts';
import { LastCheck } from './lastCheck.ts';
import { leaseTimesOf, type LeaseTimes } from './leaseTimes.ts';
import { intervalDelayMs } from './retryOptions.ts';
import { RunLeases } from './runLeases.ts';
import { Semaphore } from './semaphore.ts';
import { rulesOf } from './typeRules.ts';

/**
 * An idle worker looks again after that. BullMQ wakes one worker for a job: when that one is frozen,
 * the others find the job by looking.
 */
const IDLE_WAIT_S = 1;

/** How long giving jobs back to their queue may take. */
const GIVE_BACK_MS = 500;

export interface WorkerPoolOptions {
  config: Config;
  workspace: string;
  /** Left out: every queue of the config. */
  queues?: readonly string[] | undefined;
  /** The connection workers read with: waits for Redis as long as it takes. */
  connection: RedisClient;
  scripts: Scripts;
  keys: Keys;
  decisions: DecisionLog;
  enqueuing: Enqueuing;
  clock: Clock;
  logger: Logger;
  agentId: string;
  telemetry?: Telemetry | undefined;
  createRunner: (type: JobTypeConfig, name: string, file: string) => HandlerRunner;
  /**
   * Gives a job that was taken just now to a debugger that waits for one of its type. Left out: no
   * debugger can. @returns false: nobody waits for it
   */
  giveToDebugger?: ((job: Job, token: string) => Promise<boolean>) | undefined;
  onEnded: (run: EndedRun) => void;
  /** Called when the number of runs changes. */
  onRunsChange: (count: number) => void;
}

interface PoolWorker {
  worker: Worker;
  times: LeaseTimes;
  leases: RunLeases;
}

/** One BullMQ worker for each queue of the config; it hands each job to the runner of its type. */
export class WorkerPool {
  private readonly slots = new Map<string, TypeSlot>();
  private readonly workers = new Map<string, PoolWorker>();
  private readonly runContext: JobRunContext;
  private readonly stopping = new AbortController();
  /** Runs under a debugger, by the token of their lock. */
  private readonly claimed = new Map<string, JobRunner>();
  private readonly claimedRuns = new Set<Promise<unknown>>();
  private claims = 0;
  private runs = 0;

  constructor(private readonly options: WorkerPoolOptions) {
    for (const [name, config] of Object.entries(options.config.jobs)) {
      const file = path.resolve(options.workspace, config.handler);
      this.slots.set(name, {
        ...{ config, file, free: new Semaphore(config.concurrency) },
        rules: rulesOf(config, options.config.deduplication),
        runner: options.createRunner(config, name, file),
      });
    }
    const { enqueuing, clock, onEnded, telemetry } = options;
    this.runContext = {
      ...{ enqueuing, clock, onEnded, telemetry, stopping: this.stopping.signal },
      check: new LastCheck(options.scripts, options.keys, options.decisions, (queue) =>
        options.keys.queue(queue, ''),
      ),
      customKey: (type, data) => this.keyOf(type, data),
    };
    const declared = [...this.slots.values()].map((slot) => slot.config.queue);
    for (const queue of new Set(options.queues ?? declared))
      this.workers.set(queue, this.createWorker(queue));
  }

  /** What the handler module of a type says is the key of a payload; null: it is not unique. */
  async keyOf(type: string, data: JsonValue): Promise<JsonValue> {
    return (await this.slots.get(type)?.runner.keyOf(data)) ?? null;
  }

  /**
   * Takes one certain job that waits, and runs it beside all others: with a runner of its own, and
   * without a place of its queue or its type.
   * @returns when it is ours; the run goes on
   * @throws InterlockError `conflict` when it can not be had
   */
  async runClaimed(
    claim: JobClaim,
    { queue, id: jobId }: { queue: string; id: string },
    runner: JobRunner,
  ): Promise<void> {
    const found = this.workers.get(queue);
    if (found === undefined) throw notWorkedHere(queue);
    const { worker, times } = found;
    this.claims += 1;
    const token = `${worker.id}:debug-${this.claims}`;
    const lock = { token, lockMs: times.lockMs, worker: this.options.agentId };
    await claim.take({ queue, jobId, ...lock });
    const job = await Job.fromId(worker, jobId);
    if (job === undefined) throw notWorkedHere(queue);
    this.claimed.set(token, runner);
    const run = worker
      .processJob(job, token, () => false)
      .catch((error: unknown) => worker.emit('error', toError(error)))
      .finally(() => {
        this.claimed.delete(token);
        this.claimedRuns.delete(run);
      });
    this.claimedRuns.add(run);
  }

  /** Whether a handler of this agent is at work on a job. */
  runsHere(queue: string, jobId: string): boolean {
    return this.workers.get(queue)?.leases.has(jobId) === true;
  }

  /** Jobs of this type may come in a moment: a process that starts now saves them the wait. */
  warmUp(type: string): void {
    this.slots.get(type)?.runner.warmUp();
  }

  /** BullMQ's ids of our workers: the locks of their jobs begin with them. */
  workerIds(): string[] {
    return [...this.workers.values()].map(({ worker }) => worker.id);
  }

  get runsInProgress(): number {
    return this.runs;
  }

  /** Process ids of handler processes that are alive. */
  processIds(): number[] {
    return [...this.slots.values()].flatMap((slot) => slot.runner.processIds());
  }

  /**
   * Stops taking jobs and lets runs finish for `finishMs`. What still runs then is told to stop, has
   * `stopMs` for it, is cut, and goes back into its queue. Bounded with Redis dead too.
   * @param noUse aborts when to wait for runs has no more use
   */
  async close(finishMs: number, stopMs: number, noUse?: AbortSignal): Promise<void> {
    const { clock } = this.options;
    const workers = [...this.workers.values()];
    const polite = Promise.all([...this.claimedRuns]).then(() =>
      Promise.all(workers.map(({ worker }) => worker.close())),
    );
    const finished = await settlesWithin(clock, polite, finishMs, noUse);
    if (!finished) this.stopping.abort();
    await Promise.all([...this.slots.values()].map((slot) => slot.runner.close(stopMs)));
    if (finished || (await settlesWithin(clock, polite, GIVE_BACK_MS))) return;
    // Redis does not answer: the jobs come back when their locks end.
    const forced = Promise.all(workers.map(({ worker }) => worker.close(true)));
    await settlesWithin(clock, forced, GIVE_BACK_MS);
    for (const { leases } of workers) leases.close();
  }

  private createWorker(queue: string): PoolWorker {
    const { config, connection, agentId, logger, clock, telemetry } = this.options;
    const types = [...this.slots.values()].filter((slot) => slot.config.queue === queue);
    const times = leaseTimesOf(types.map((slot) => slot.config));
    const leases = new RunLeases({
      ...{ times, clock, logger },
      renew: (ids, tokens, lockMs): Promise<string[]> => worker.extendJobLocks(ids, tokens, lockMs),
    });
    const { concurrency: most = Infinity, rateLimit } = config.queues[queue] ?? {};
    const process = (job: Job, token = ''): Promise<JsonValue> => this.run(job, token, leases);
    const worker: Worker = new Worker(queue, process, {
      connection,
      prefix: config.redis.prefix,
      name: agentId,
      concurrency: Math.min(most, sumOf(types.map((slot) => slot.config.concurrency))),
      // BullMQ counts before it takes a job: one that is over the limit has not begun, and waits.
      ...(rateLimit === undefined ? {} : { limiter: limiterOf(rateLimit) }),
      lockDuration: times.lockMs,
      drainDelay: IDLE_WAIT_S,
      // We renew ourselves, because we have to know from when on a lock can not be trusted, and we
      // look for lost jobs ourselves, because BullMQ's way takes two rounds of waiting.
      skipLockRenewal: true,
      skipStalledCheck: true,
      ...(telemetry === undefined ? {} : { telemetry }),
      settings: {
        backoffStrategy: (attemptsMade, _type, _error, job) =>
          intervalDelayMs(this.slots.get(job?.name ?? '')?.config.retry, attemptsMade),
      },
    });
    worker.on('error', (error) => logger.warn({ queue, why: messageOf(error) }, 'worker trouble'));
    worker.on('failed', (job, error) => {
      const facts = { job_type: job?.name, jobId: job?.id, attempts: job?.attemptsMade };
      logger.info({ action: 'run', ...facts, queue, why: messageOf(error) }, 'run failed');
    });
    return { worker, times, leases };
  }

  private async run(job: Job, token: string, leases: RunLeases): Promise<JsonValue> {
    const slot = this.slots.get(job.name);
    if (slot === undefined) {
      throw new UnrecoverableError(
        `No job type "${job.name}" is declared, so nothing can run it. Declare it under "jobs" in interlock.config.json, or keep such jobs out of queue ${job.queueName}.`,
      );
    }
    const claimed = this.claimed.get(token);
    if (claimed === undefined && (await this.options.giveToDebugger?.(job, token)) === true)
      throw new DelayedError();
    // From here on its lock is renewed, also while it waits for its place.
    const lease = leases.begin(job.id ?? '', token);
    if (claimed === undefined) await slot.free.acquire();
    this.countRuns(1);
    try {
      const runner = claimed ?? slot.runner;
      return await new JobRun(job, token, { ...slot, runner }, lease, this.runContext).execute();
    } finally {
      this.countRuns(-1);
      if (claimed === undefined) slot.free.release();
      lease.end();
    }
  }

  private countRuns(change: 1 | -1): void {
    this.runs += change;
    this.options.onRunsChange(this.runs);
  }
}

function notWorkedHere(queue: string): InterlockError {
  return new InterlockError({
    code: 'conflict',
    message: `This agent does not run the jobs of queue ${queue}.`,
    remedy: 'Debug it in an agent that has workers for this queue.',
  });
}

const toError = (thrown: unknown) =>
  thrown instanceof Error ? thrown : new Error(messageOf(thrown));

const sumOf = (numbers: number[]) => numbers.reduce((sum, one) => sum + one, 0);

const limiterOf = ({ max, per }: { max: number; per: number }) => ({ max, duration: per });

async function settlesWithin(
  clock: Clock,
  work: Promise<unknown>,
  ms: number,
  noUse?: AbortSignal,
): Promise<boolean> {
  const settled = new AbortController();
  let isSettled = false;
  const done = () => {
    isSettled = true;
    settled.abort();
  };
  work.then(done, done);
  const signals = noUse === undefined ? [settled.signal] : [settled.signal, noUse];
  await sleep(clock, ms, AbortSignal.any(signals));
  return isSettled;
}
