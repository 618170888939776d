import { formatDuration } from '../common/duration.ts';
import type { Config, ScheduleConfig } from '../config/schema.ts';
import type { ScheduleRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import type { DeclaredSchedule } from './declaredSchedule.ts';
import { meanRunMs } from './dynamicInterval.ts';
import { readRunTimes } from './runTimes.ts';
import { readLastSlots, readSchedule, type LastSlot, type ScheduleState } from './scheduleState.ts';

const NEXT_SLOTS_SHOWN = 3;

export interface ScheduleRowsOptions {
  config: Config;
  redis: RedisClient;
  keys: Keys;
}

/** Every schedule as it is now, by Redis' clock. */
export async function readScheduleRows(
  schedules: Iterable<DeclaredSchedule>,
  options: ScheduleRowsOptions,
): Promise<ScheduleRow[]> {
  const { redis, keys } = options;
  const nowMs = await redisNowMs(redis);
  return Promise.all(
    [...schedules].map(async (schedule) => {
      const [state, lastSlots] = await Promise.all([
        readSchedule(redis, keys, schedule.name),
        readLastSlots(redis, keys, schedule.name),
      ]);
      const interval = await intervalOf(schedule, state, lastSlots, nowMs, options);
      return scheduleRowOf(schedule, { state, lastSlots, interval, nowMs });
    }),
  );
}

/** Pure. */
function scheduleRowOf(
  schedule: DeclaredSchedule,
  {
    state,
    lastSlots,
    interval,
    nowMs,
  }: {
    state: ScheduleState;
    lastSlots: readonly LastSlot[];
    interval: ScheduleRow['interval'];
    nowMs: number;
  },
): ScheduleRow {
  const { name, config, missed } = schedule;
  const nextSlots = nextSlotsOf(schedule, state, nowMs).map(isoTime);
  const { slot, outcome, by, pausedAt, skipSlot } = state;
  return {
    ...{ name, job: config.job, rule: describeRule(config), timezone: config.timezone ?? null },
    ...{ missed, nextSlots, nextSlotAt: nextSlots[0] ?? null, interval },
    lastSlotAt: slot === undefined || outcome === undefined ? null : isoTime(slot),
    lastOutcome: outcome ?? null,
    lastBy: by ?? null,
    lastSlots: lastSlots.map((one) => ({
      ...{ at: isoTime(one.slot), until: one.to === undefined ? null : isoTime(one.to) },
      ...{ count: one.count, outcome: one.outcome, reason: one.reason, by: one.by },
    })),
    missedSlots: state.missed,
    pausedAt: pausedAt === undefined ? null : isoTime(pausedAt),
    skipSlotAt: skipSlot === undefined || skipSlot <= nowMs ? null : isoTime(skipSlot),
  };
}

function nextSlotsOf(schedule: DeclaredSchedule, state: ScheduleState, nowMs: number): number[] {
  if (state.pausedAt !== undefined) return [];
  const { slots } = schedule.situation(state);
  const found: number[] = [];
  let atMs = nowMs;
  while (found.length < NEXT_SLOTS_SHOWN) {
    atMs = slots.next(atMs);
    if (atMs !== state.skipSlot) found.push(atMs);
  }
  return found;
}

async function intervalOf(
  schedule: DeclaredSchedule,
  state: ScheduleState,
  lastSlots: readonly LastSlot[],
  nowMs: number,
  { config, redis, keys }: ScheduleRowsOptions,
): Promise<ScheduleRow['interval']> {
  const { bounds, name } = schedule;
  const interval = schedule.intervalOf(state);
  if (bounds === undefined || interval === undefined) return null;
  const queue = config.jobs[schedule.config.job]?.queue;
  const runs =
    queue === undefined ? [] : await readRunTimes({ redis, keys }, name, queue, lastSlots, nowMs);
  const mean = meanRunMs(runs);
  return {
    ...{ nowMs: interval, minMs: bounds.min, maxMs: bounds.max },
    ...{ runMs: mean === undefined ? null : Math.round(mean), runs: runs.length },
  };
}

/** The rule for people: `every 30 s`, `cron 0 3 * * *`. */
export function describeRule({ every, cron }: Pick<ScheduleConfig, 'every' | 'cron'>): string {
  if (typeof every === 'number') return `every ${formatDuration(every)}`;
  if (every !== undefined) {
    return `every ${formatDuration(every.min)} to ${formatDuration(every.max)}`;
  }
  return `cron ${cron ?? ''}`;
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
