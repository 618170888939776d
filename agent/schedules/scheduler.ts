import * as z from 'zod';
import type { Clock } from '../common/clock.ts';
import { formatDuration } from '../common/duration.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import { WakeableSleep } from '../common/wakeableSleep.ts';
import type { Config, ScheduleConfig } from '../config/schema.ts';
import type { DecisionLog } from '../decisions/decisionLog.ts';
import type { Enqueuing } from '../jobs/enqueuing.ts';
import { slotJobId } from '../jobs/jobId.ts';
import type { Lease, Leases } from '../leases/lease.ts';
import type { Logger } from '../logging.ts';
import type { Decision, Holder } from '../protocol/decision.ts';
import type { ScheduleRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import type { Scripts } from '../redis/scripts.ts';
import { latestSlot, nextSlot, ruleOf } from './slots.ts';

export const SCHEDULER_LOCK = 'scheduler:global_lock';

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

const scheduleHash = z.object({
  slot: z.coerce.number().optional(),
  outcome: z.string().optional(),
  by: z.string().optional(),
});

/**
 * Enqueues slots while it holds `scheduler:global_lock`. It never runs a job itself. A slot is
 * enqueued once even without the lock: its job id is made of schedule and slot time.
 */
export class Scheduler {
  private readonly stopping = new AbortController();
  private readonly pause: WakeableSleep;
  /** What was left of another's lock when it was asked for. */
  private otherTtlMs = 0;
  private loop: Promise<void> = Promise.resolve();
  private lease: Lease | undefined;

  constructor(private readonly options: SchedulerOptions) {
    this.pause = new WakeableSleep(options.clock);
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
    await this.lease?.release();
    this.lease = undefined;
  }

  async rows(): Promise<ScheduleRow[]> {
    const { config, redis, keys, clock } = this.options;
    return Promise.all(
      Object.entries(config.schedules).map(async ([name, schedule]) => {
        const known = scheduleHash.parse(await redis.hgetall(keys.schedule(name)));
        return {
          name,
          job: schedule.job,
          rule: describeRule(schedule),
          timezone: schedule.timezone ?? null,
          nextSlotAt: new Date(nextSlot(schedule, clock.now())).toISOString(),
          lastSlotAt:
            known.slot === undefined || known.outcome === undefined
              ? null
              : new Date(known.slot).toISOString(),
          lastOutcome: known.outcome ?? null,
          lastBy: known.by ?? null,
        };
      }),
    );
  }

  /** Enqueues a schedule's job now, outside its slots. @throws InterlockError `not_found` */
  async runNow(name: string): Promise<Decision> {
    const { schedules } = this.options.config;
    const schedule = Object.hasOwn(schedules, name) ? schedules[name] : undefined;
    if (schedule === undefined) {
      const known = Object.keys(schedules).join(', ') || 'none is declared';
      throw new InterlockError({
        code: 'not_found',
        message: `There is no schedule "${name}".`,
        remedy: `Use one of: ${known}.`,
      });
    }
    return this.options.enqueuing.enqueue({ type: schedule.job, data: schedule.data ?? {} });
  }

  private async run(): Promise<void> {
    const { logger, config } = this.options;
    if (Object.keys(config.schedules).length === 0) return;
    while (!this.stopping.signal.aborted) {
      let waitMs = RETRY_AFTER_TROUBLE_MS;
      try {
        waitMs = await this.cycle();
      } catch (error) {
        logger.warn({ why: messageOf(error) }, 'scheduler cycle failed, tries again');
      }
      await this.pause.sleep(waitMs);
    }
  }

  /** @returns milliseconds until there is something to do */
  private async cycle(): Promise<number> {
    const { clock, config } = this.options;
    const lease = await this.holdLock();
    if (lease === undefined) {
      return Math.min(FOLLOWER_INTERVAL_MS, Math.max(0, this.otherTtlMs) + AFTER_END_MS);
    }
    const nowMs = await redisNowMs(this.options.redis);
    for (const [name, schedule] of Object.entries(config.schedules)) {
      if (lease.signal.aborted || this.stopping.signal.aborted) return 0;
      await this.enqueueIfDue(name, schedule, nowMs, lease);
    }
    const skewMs = nowMs - clock.now();
    const next = Object.values(config.schedules).map((schedule) => nextSlot(schedule, nowMs));
    const untilNext = Math.min(...next) - skewMs - clock.now();
    return Math.max(1, Math.min(untilNext, config.scheduler.cycle));
  }

  private async holdLock(): Promise<Lease | undefined> {
    if (this.lease !== undefined && !this.lease.signal.aborted) return this.lease;
    const { leases, config, decisions, logger } = this.options;
    const result = await leases.acquire({
      ...{ name: SCHEDULER_LOCK, kind: 'scheduler', subject: 'schedules' },
      ttlMs: config.scheduler.lockTtl,
    });
    if (!result.acquired) {
      this.otherTtlMs = result.held.ttlMs;
      return undefined;
    }
    this.lease = result.lease;
    logger.info({ fence: result.lease.fence }, 'this agent is the scheduler now');
    if (result.takenOverFrom !== null) {
      await decisions.record({
        ...{ action: 'takeover', subject: SCHEDULER_LOCK, key: null, outcome: 'accepted' },
        ...{ reason: 'holder_dead', jobId: null, survivor: null, until: null },
        holder: result.takenOverFrom,
        remedy: `Process ${result.takenOverFrom.pid} on ${result.takenOverFrom.host} held it and is gone.`,
      });
    }
    return this.lease;
  }

  private async enqueueIfDue(
    name: string,
    schedule: ScheduleConfig,
    nowMs: number,
    lease: Lease,
  ): Promise<void> {
    const { keys, scripts, enqueuing, holder } = this.options;
    const slotMs = latestSlot(schedule, nowMs);
    const rule = ruleOf(schedule);
    const scriptKeys = [keys.lease(SCHEDULER_LOCK), keys.schedule(name)];
    const claim = await scripts.run('claimSlot', scriptKeys, [lease.fence, slotMs, rule]);
    if (claim !== 'claimed' && claim !== 'pending') return;
    const decision = await enqueuing.enqueue({
      ...{ type: schedule.job, data: schedule.data ?? {}, action: 'schedule' },
      jobId: slotJobId(name, slotMs),
      lease: { name: SCHEDULER_LOCK, fence: lease.fence },
    });
    await scripts.run('confirmSlot', scriptKeys, [
      ...[lease.fence, slotMs, decision.outcome],
      `${holder.host}:${holder.pid}`,
    ]);
  }
}

function describeRule(schedule: ScheduleConfig): string {
  if (typeof schedule.every === 'number') return `every ${formatDuration(schedule.every)}`;
  return `cron ${schedule.cron ?? ''}`;
}
