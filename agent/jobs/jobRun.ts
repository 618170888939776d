import { UnrecoverableError, WaitingError, type Job, type Telemetry } from 'bullmq';
import type { Clock } from '../common/clock.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import type { JsonValue } from '../common/json.ts';
import type { JobTypeConfig } from '../config/schema.ts';
import type { HandlerRunner, RunHooks, RunRequest } from '../handlers/runner.ts';
import type { EndedRun } from '../history/runEntry.ts';
import { isConnectionTrouble } from '../redis/redisError.ts';
import { enqueueRefused } from './enqueueRefused.ts';
import type { Enqueuing } from './enqueuing.ts';
import { keyOfJob, type CustomKey, type LastCheck } from './lastCheck.ts';
import { replayOf } from './replay.ts';
import { leaseLost, type RunLease } from './runLeases.ts';
import type { Semaphore } from './semaphore.ts';
import { spanContext } from './spanContext.ts';
import { needsLastCheck, type TypeRules } from './typeRules.ts';

/** What runs one job: the runner of its type, or a debugged run of its own. */
export interface JobRunner {
  run: HandlerRunner['run'];
  /** How long the run stood still under a debugger, in ms; left out: it has none. */
  readonly pausedMs?: number;
}

/** A job type, as one run needs it. */
export interface RunSlot {
  config: JobTypeConfig;
  rules: TypeRules;
  file: string;
  runner: JobRunner;
}

/** A job type, as an agent runs it. */
export interface TypeSlot extends RunSlot {
  runner: HandlerRunner;
  free: Semaphore;
}

export interface JobRunContext {
  check: LastCheck;
  customKey: CustomKey;
  enqueuing: Enqueuing;
  clock: Clock;
  /** Aborts when the agent leaves: what does not end in time is cut. */
  stopping: AbortSignal;
  onEnded: (run: EndedRun) => void;
  telemetry?: Telemetry | undefined;
}

/** What is known of a run when it has begun. */
interface Begun {
  key: string | null;
  fence: number;
  runningField: string | undefined;
}

/** One run of a job under its lock: last check, handler, and what became of it. */
export class JobRun {
  private startedAtMs = 0;
  private begun: Begun = { key: null, fence: 0, runningField: undefined };

  constructor(
    private readonly job: Job,
    private readonly token: string,
    private readonly slot: RunSlot,
    private readonly lease: RunLease,
    private readonly context: JobRunContext,
  ) {}

  /**
   * @returns what BullMQ keeps as the job's result
   * @throws what BullMQ counts as a failed attempt; WaitingError when the job went back unharmed
   */
  async execute(): Promise<JsonValue> {
    this.startedAtMs = this.context.clock.now();
    try {
      // It may have waited for its place until now: no run begins while the others are cut.
      this.context.stopping.throwIfAborted();
      this.lease.signal.throwIfAborted();
      const skipped = await this.beginOrWait();
      if (skipped !== null) return skipped;
      const { fence } = this.begun;
      const result = await this.slot.runner.run(this.request(fence), this.hooks());
      this.tell('completed', null);
      return result;
    } catch (error) {
      throw await this.failure(error);
    }
  }

  /** With Redis away nothing is known: the job stays as it is, and comes back when its lock ends. */
  private async beginOrWait(): Promise<JsonValue> {
    try {
      return await this.begin();
    } catch (error) {
      throw isConnectionTrouble(error) ? new WaitingError() : error;
    }
  }

  /** @returns the result of a job that must not run; null when it may */
  private async begin(): Promise<JsonValue> {
    const { job, slot, context } = this;
    const { rules } = slot;
    // BullMQ counts the starts of a job in the script that gives us its lock: a fence for free.
    this.begun = { key: null, fence: job.attemptsStarted, runningField: undefined };
    if (!needsLastCheck(rules)) return null;
    const key = await keyOfJob(job, rules, context.customKey);
    const checked = await context.check.check(job, this.token, rules, key);
    this.begun.key = key?.label ?? null;
    if (checked.go) {
      const { fence, field } = checked;
      this.begun = { key: this.begun.key, fence, runningField: field };
      return null;
    }
    const { decision } = checked;
    if (decision === null) throw leaseLost(job.id ?? '', 'another has it already');
    this.begun.fence = 0;
    this.tell('skipped', decision.reason);
    return {
      ...{ status: 'skipped', reason: decision.reason },
      survivor: decision.survivor?.jobId ?? null,
    };
  }

  /** What BullMQ is told of a run that ended badly. */
  private async failure(error: unknown): Promise<unknown> {
    if (error instanceof WaitingError) return error;
    const isLost = this.lease.signal.aborted;
    const isCollateral =
      error instanceof InterlockError &&
      (error.code === 'lease_lost' || error.code === 'given_back');
    if (!isLost && !isCollateral && !this.context.stopping.aborted) {
      this.tell('failed', messageOf(error));
      return withHandlerStack(error);
    }
    // We cut it, it did not fail: it goes back and keeps its attempts.
    try {
      await this.job.moveToWait(this.token);
      this.tell('returned', null);
    } catch (refused) {
      // Its lock is another's by now, who tells the rest.
      if (!isLost) throw refused;
    }
    return new WaitingError();
  }

  private request(fence: number): RunRequest {
    const { job } = this;
    return {
      ...{ jobId: job.id ?? '?', queue: job.queueName, type: job.name, data: job.data },
      ...{ attempt: job.attemptsMade + 1, fence, enqueuedAtMs: job.timestamp },
      isReplay: replayOf(job.opts) !== null,
      asks: 'run',
    };
  }

  /** What a run says after it has lost its lock is not written down: another run has the job. */
  private hooks(): RunHooks {
    const { job, lease, context } = this;
    const inSpan = spanContext(context.telemetry);
    const whileHeld = async (act: () => Promise<unknown>) => {
      lease.signal.throwIfAborted();
      await act();
    };
    return {
      log: (line) => whileHeld(() => job.log(line)),
      progress: (value) => whileHeld(() => job.updateProgress(value ?? {})),
      enqueue: async (type, data) => {
        lease.signal.throwIfAborted();
        const decision = await inSpan(() => context.enqueuing.enqueue({ type, data }));
        if (decision.outcome === 'refused') throw enqueueRefused(decision);
        return decision;
      },
      signal: AbortSignal.any([context.stopping, lease.signal]),
      cut: lease.cut,
    };
  }

  private tell(status: EndedRun['status'], error: string | null): void {
    const { job, context, startedAtMs } = this;
    const { key, fence, runningField } = this.begun;
    context.onEnded({
      ...{ jobId: job.id ?? '?', queue: job.queueName, type: job.name, key, status, error },
      ...{ startedAtMs, endedAtMs: context.clock.now(), attempt: job.attemptsMade + 1 },
      fence: fence === 0 ? null : fence,
      pausedMs: this.slot.runner.pausedMs,
      waitedMs: waitedMs(job, startedAtMs),
      runningField,
    });
  }
}

/** Clocks of two machines may differ: it never waited less than not at all. */
function waitedMs({ attemptsStarted, timestamp, opts }: Job, startedAtMs: number) {
  if (attemptsStarted > 1) return undefined;
  return Math.max(0, startedAtMs - timestamp - (opts.delay ?? 0));
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
