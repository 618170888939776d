import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { WakeableSleep } from '../common/wakeableSleep.ts';
import type { Config } from '../config/schema.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import type { Enqueuing } from '../jobs/enqueuing.ts';
import type { Lease, Leases } from '../leases/lease.ts';
import type { Logger } from '../logging.ts';
import type { Holder } from '../protocol/decision.ts';
import type { LeaderRow, ScheduleRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import type { Scripts } from '../redis/scripts.ts';
import { declaredSchedules, type DeclaredSchedule } from './declaredSchedule.ts';
import { LeaderHistory } from './leaderHistory.ts';
import { ScheduleControl } from './scheduleControl.ts';
import { readScheduleRows } from './scheduleRows.ts';
import { readSchedule } from './scheduleState.ts';
import { SCHEDULER_LOCK } from './schedulerLock.ts';
import { nextDueMs, nextStep, type PassedSlots } from './slotPlan.ts';
import { SlotWriter } from './slotWriter.ts';

/** A follower looks that often at least whether the lock has become free. */
const FOLLOWER_INTERVAL_MS = 1_000;
/** The lock of a holder on another host is gone a moment after its end. */
const AFTER_END_MS = 5;
const RETRY_AFTER_TROUBLE_MS = 1_000;

export interface SchedulerOptions {
  config: Config;
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  leases: Leases;
  enqueuing: Enqueuing;
  decisions: DecisionLog;
  clock: Clock;
  logger: Logger;
  holder: Holder;
}

/**
 * Enqueues slots while it holds `scheduler:global_lock`. It never runs a job itself. A slot is
 * enqueued once even without the lock: its job id is made of schedule and slot time. When a slot is due
 * is told by Redis' clock alone.
 */
export class Scheduler {
  /** What people ask of schedules. */
  readonly control: ScheduleControl;
  private readonly stopping = new AbortController();
  private readonly pause: WakeableSleep;
  private readonly schedules: ReadonlyMap<string, DeclaredSchedule>;
  private readonly leaders: LeaderHistory;
  private readonly writer: SlotWriter;
  /** What was left of another's lock when it was asked for. */
  private otherTtlMs = 0;
  private loop: Promise<void> = Promise.resolve();
  private lease: Lease | undefined;

  constructor(private readonly options: SchedulerOptions) {
    const { config, redis, keys, clock } = options;
    this.pause = new WakeableSleep(clock);
    this.schedules = declaredSchedules(config);
    this.leaders = new LeaderHistory(redis, keys);
    this.writer = new SlotWriter(options);
    this.control = new ScheduleControl({ ...options, schedules: this.schedules });
  }

  start(): void {
    this.loop = this.run();
  }

  /** The lock may be free: looks at once. */
  wake(): void {
    this.pause.wake();
  }

  /** Gives the lock back, so that another scheduler takes over at once. */
  async close(): Promise<void> {
    this.stopping.abort();
    this.pause.wake();
    await this.loop;
    const { lease } = this;
    this.lease = undefined;
    if (lease === undefined) return;
    const isOurs = !lease.signal.aborted;
    // Both at once: with Redis away each would wait by itself.
    await Promise.all([
      isOurs ? this.noted(this.leaders.ended(lease.fence)) : undefined,
      lease.release(),
    ]);
  }

  rows(): Promise<ScheduleRow[]> {
    return readScheduleRows(this.schedules.values(), this.options);
  }

  /** Who held the lock, newest first. */
  async leaderRows(): Promise<LeaderRow[]> {
    const { redis, keys } = this.options;
    const fence = await redis.hget(keys.lease(SCHEDULER_LOCK), 'fence');
    return this.leaders.rows(fence === null ? null : Number(fence));
  }

  private async run(): Promise<void> {
    if (this.schedules.size === 0) return;
    while (!this.stopping.signal.aborted) {
      let waitMs = RETRY_AFTER_TROUBLE_MS;
      try {
        waitMs = await this.cycle();
      } catch (error) {
        this.warn('scheduler cycle failed, tries again', error);
      }
      await this.pause.sleep(waitMs);
    }
  }

  /** @returns milliseconds until there is something to do */
  private async cycle(): Promise<number> {
    const { clock, config, redis } = this.options;
    const lease = await this.holdLock();
    if (lease === undefined) {
      return Math.min(FOLLOWER_INTERVAL_MS, Math.max(0, this.otherTtlMs) + AFTER_END_MS);
    }
    const askedAt = clock.monotonic();
    const nowMs = await redisNowMs(redis);
    let dueMs = nowMs + config.scheduler.cycle;
    for (const schedule of this.schedules.values()) {
      if (lease.signal.aborted || this.stopping.signal.aborted) return 0;
      dueMs = Math.min(dueMs, await this.tend(schedule, nowMs, lease));
    }
    // What passed here is measured, not read from a clock that may be set anew.
    return Math.max(1, dueMs - nowMs - (clock.monotonic() - askedAt));
  }

  /** A schedule whose job can not be made must not keep the others waiting. @returns when it is due next */
  private async tend(schedule: DeclaredSchedule, nowMs: number, lease: Lease): Promise<number> {
    try {
      return await this.takeSlots(schedule, nowMs, lease);
    } catch (error) {
      this.warn(`schedule ${schedule.name} failed, is tried again`, error);
      return nowMs + RETRY_AFTER_TROUBLE_MS;
    }
  }

  private async takeSlots(
    schedule: DeclaredSchedule,
    nowMs: number,
    lease: Lease,
  ): Promise<number> {
    const { redis, keys } = this.options;
    let boundIsKept = false;
    while (!lease.signal.aborted && !this.stopping.signal.aborted) {
      const state = await readSchedule(redis, keys, schedule.name);
      const situation = schedule.situation(state, boundIsKept);
      const step = nextStep(situation, nowMs);
      if (step.kind === 'wait') return nextDueMs(situation, nowMs);
      const answer = await this.writer.take(step, schedule, state, lease, nowMs);
      if (answer === 'lease_lost') {
        // It is another's already, and this one's renewal has not found out yet.
        this.lease = undefined;
        await lease.release();
        return nowMs;
      }
      if (answer === 'changed') continue;
      boundIsKept ||= step.kind === 'enqueue';
      if (step.kind === 'enqueue' || step.kind === 'pass') this.logPassed(schedule, step.passed);
    }
    return nowMs;
  }

  private async holdLock(): Promise<Lease | undefined> {
    if (this.lease !== undefined && !this.lease.signal.aborted) return this.lease;
    const { leases, config, decisions, logger, holder } = this.options;
    const result = await leases.acquire({
      ...{ name: SCHEDULER_LOCK, kind: 'scheduler', subject: 'schedules' },
      ttlMs: config.scheduler.lockTtl,
    });
    if (!result.acquired) {
      this.otherTtlMs = result.held.ttlMs;
      return undefined;
    }
    const { lease, takenOverFrom } = result;
    this.lease = lease;
    logger.info({ fence: lease.fence }, 'this agent is the scheduler now');
    await this.noted(this.leaders.began(lease, holder, takenOverFrom !== null));
    if (takenOverFrom !== null) {
      await decisions.record({
        ...{ action: 'takeover', subject: SCHEDULER_LOCK, key: null, outcome: 'accepted' },
        ...{ reason: 'holder_dead', jobId: null, survivor: null, until: null },
        holder: takenOverFrom,
        remedy: `Process ${takenOverFrom.pid} on ${takenOverFrom.host} held it and is gone.`,
      });
    }
    return lease;
  }

  private logPassed({ name, config }: DeclaredSchedule, passed: readonly PassedSlots[]): void {
    for (const { reason, count, fromMs, toMs } of passed) {
      this.options.logger.info(
        {
          ...{ action: 'schedule', schedule: name, job_type: config.job, outcome: 'skipped' },
          ...{ reason, count, from: new Date(fromMs), to: new Date(toMs) },
        },
        'slots not enqueued',
      );
    }
  }

  /** The history of leaders is for people: without it slots are enqueued as well. */
  private async noted(writing: Promise<void>): Promise<void> {
    try {
      await writing;
    } catch (error) {
      this.warn('the history of leaders was not written', error);
    }
  }

  private warn(what: string, error: unknown): void {
    this.options.logger.warn({ why: messageOf(error) }, what);
  }
}
