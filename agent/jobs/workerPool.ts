import * as path from 'node:path';
import { UnrecoverableError, WaitingError, Worker, type Job } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Clock } from '../common/clock.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import type { JsonValue } from '../common/json.ts';
import type { Config, JobTypeConfig } from '../config/schema.ts';
import type { HandlerRunner, RunHooks, RunRequest } from '../handlers/runner.ts';
import type { Logger } from '../logging.ts';
import type { Keys } from '../redis/keys.ts';
import type { Enqueuing } from './enqueuing.ts';
import { intervalDelayMs } from './retryOptions.ts';
import { Semaphore } from './semaphore.ts';

/**
 * How often a job may lose its worker before BullMQ fails it. Handlers have their own processes, so
 * a worker that dies says nothing about the job: no job is given up for it.
 */
const MAX_STALLED_COUNT = 1_000;

/** Looking for jobs without a lock costs a script call for each queue. */
const MIN_STALLED_INTERVAL_MS = 1_000;

/** How long giving jobs back to their queue may take. */
const GIVE_BACK_MS = 500;

export interface WorkerPoolOptions {
  config: Config;
  workspace: string;
  /** The connection workers read with: waits for Redis as long as it takes. */
  connection: Redis;
  commands: Redis;
  keys: Keys;
  enqueuing: Enqueuing;
  clock: Clock;
  logger: Logger;
  agentId: string;
  createRunner: (type: JobTypeConfig, name: string, file: string) => HandlerRunner;
  /** Called when the number of runs changes. */
  onRunsChange: (count: number) => void;
}

interface TypeSlot {
  config: JobTypeConfig;
  file: string;
  runner: HandlerRunner;
  free: Semaphore;
}

/** One BullMQ worker for each queue of the config; it hands each job to the runner of its type. */
export class WorkerPool {
  private readonly slots = new Map<string, TypeSlot>();
  private readonly workers: Worker[] = [];
  private readonly stopping = new AbortController();
  private runs = 0;

  constructor(private readonly options: WorkerPoolOptions) {
    for (const [name, config] of Object.entries(options.config.jobs)) {
      const file = path.resolve(options.workspace, config.handler);
      this.slots.set(name, {
        ...{ config, file, free: new Semaphore(config.concurrency) },
        runner: options.createRunner(config, name, file),
      });
    }
    const queues = new Set([...this.slots.values()].map((slot) => slot.config.queue));
    for (const queue of queues) this.workers.push(this.createWorker(queue));
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
   */
  async close(finishMs: number, stopMs: number): Promise<void> {
    const { clock } = this.options;
    const polite = Promise.all(this.workers.map((worker) => worker.close()));
    const finished = await settlesWithin(clock, polite, finishMs);
    if (!finished) this.stopping.abort();
    await Promise.all([...this.slots.values()].map((slot) => slot.runner.close(stopMs)));
    if (finished || (await settlesWithin(clock, polite, GIVE_BACK_MS))) return;
    // Redis does not answer: the jobs come back when their locks end.
    const forced = Promise.all(this.workers.map((worker) => worker.close(true)));
    await settlesWithin(clock, forced, GIVE_BACK_MS);
  }

  private createWorker(queue: string): Worker {
    const { config, connection, agentId, logger } = this.options;
    const types = [...this.slots.values()].filter((slot) => slot.config.queue === queue);
    const ttlMs = lockTtlOf(types.map((slot) => slot.config));
    const worker = new Worker(queue, (job, token) => this.run(job, token), {
      connection,
      prefix: config.redis.prefix,
      name: agentId,
      concurrency: types.reduce((sum, slot) => sum + slot.config.concurrency, 0),
      lockDuration: ttlMs,
      lockRenewTime: Math.floor(ttlMs / 3),
      // A lock that ended is seen soon after; a job whose lock lives is left alone, however often we look.
      stalledInterval: Math.max(MIN_STALLED_INTERVAL_MS, Math.floor(ttlMs / 3)),
      maxStalledCount: MAX_STALLED_COUNT,
      settings: {
        backoffStrategy: (attemptsMade, _type, _error, job) =>
          intervalDelayMs(this.slots.get(job?.name ?? '')?.config.retry, attemptsMade),
      },
    });
    worker.on('error', (error) => logger.warn({ queue, why: messageOf(error) }, 'worker trouble'));
    worker.on('stalled', (jobId) =>
      logger.warn({ queue, jobId }, 'job lost its worker, runs again'),
    );
    worker.on('failed', (job, error) => {
      const facts = { job_type: job?.name, jobId: job?.id, attempts: job?.attemptsMade };
      logger.info({ action: 'run', ...facts, queue, why: messageOf(error) }, 'run failed');
    });
    return worker;
  }

  private async run(job: Job, token: string | undefined): Promise<JsonValue> {
    const slot = this.slots.get(job.name);
    if (slot === undefined) {
      throw new UnrecoverableError(
        `No job type "${job.name}" is declared, so nothing can run it. Declare it under "jobs" in interlock.config.json, or keep such jobs out of queue ${job.queueName}.`,
      );
    }
    await slot.free.acquire();
    this.countRuns(1);
    try {
      // It may have waited for its place until now: no run begins while the others are cut.
      this.stopping.signal.throwIfAborted();
      return await slot.runner.run(
        this.requestOf(job, await this.fenceOf(job, slot)),
        this.hooksOf(job),
      );
    } catch (error) {
      if (!this.stopping.signal.aborted) throw withHandlerStack(error);
      // We cut it, it did not fail: it goes back and keeps its attempts.
      await job.moveToWait(token);
      throw new WaitingError();
    } finally {
      this.countRuns(-1);
      slot.free.release();
    }
  }

  private requestOf(job: Job, fence: number): RunRequest {
    return {
      jobId: job.id ?? '?',
      queue: job.queueName,
      type: job.name,
      data: job.data,
      attempt: job.attemptsMade + 1,
      fence,
      isReplay: false,
      enqueuedAtMs: job.timestamp,
    };
  }

  /**
   * BullMQ counts the starts of a job in the script that gives us its lock: a fence for free. With a
   * uniqueness rule the next job of the same key must have a higher one, so the type counts.
   */
  private fenceOf(job: Job, slot: TypeSlot): number | Promise<number> {
    if (slot.config.unique === undefined) return job.attemptsStarted;
    return this.options.commands.hincrby(this.options.keys.runFences, job.name, 1);
  }

  private hooksOf(job: Job): RunHooks {
    return {
      log: async (line) => {
        await job.log(line);
      },
      progress: async (value) => {
        await job.updateProgress(value ?? {});
      },
      enqueue: (type, data) => this.options.enqueuing.enqueue({ type, data }),
      signal: this.stopping.signal,
    };
  }

  private countRuns(change: 1 | -1): void {
    this.runs += change;
    this.options.onRunsChange(this.runs);
  }
}

/** BullMQ's locks have one TTL for a queue: that of the type that asks for the longest. */
export function lockTtlOf(types: JobTypeConfig[]): number {
  return Math.max(1, ...types.map((type) => type.lease.ttl));
}

/** BullMQ keeps the stack of what is thrown: it shall be the handler's, not ours. */
function withHandlerStack(thrown: unknown): unknown {
  if (!(thrown instanceof InterlockError)) return thrown;
  const { stack, errorName } = thrown.details;
  // A handler says with BullMQ's own class that trying again is useless.
  const error =
    errorName === 'UnrecoverableError'
      ? new UnrecoverableError(thrown.message)
      : new Error(thrown.message, { cause: thrown });
  if (typeof stack === 'string') error.stack = stack;
  return error;
}

async function settlesWithin(clock: Clock, work: Promise<unknown>, ms: number): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = clock.setTimeout(() => resolve(false), ms);
    const done = () => {
      timer.cancel();
      resolve(true);
    };
    work.then(done, done);
  });
}
