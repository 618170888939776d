import * as z from 'zod';
import type { ScheduleRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import { countField, isoOrNull, textField, timeField } from '../redis/redisFields.ts';
import type { Scripts } from '../redis/scripts.ts';
import { CronSlots } from './cronSlots.ts';
import { describeRule } from './scheduleRows.ts';

/** Of one queue, those that come first. Redis does nothing else meanwhile, for about 4 ms. */
const MOST_OF_A_QUEUE = 1_000;

/** As `readJobSchedulers.lua` tells it. */
const jobScheduler = z
  .tuple([
    z.string(),
    timeField,
    textField,
    textField,
    countField,
    textField,
    countField,
    timeField,
    countField,
    timeField,
    timeField,
  ])
  .transform(
    ([id, slot, name, pattern, every, timezone, limit, endsAt, made, added, finished]) => ({
      ...{ id, slot, name, pattern, every, timezone, limit, endsAt, made },
      /** Whether the job of its slot is still to run, or runs. */
      hasJob: added !== null && finished === null,
    }),
  );

const answerSchema = z.tuple([z.number()], jobScheduler);

type JobScheduler = z.infer<typeof jobScheduler>;
type Outside = NonNullable<ScheduleRow['outside']>;

export interface OutsideSchedulesOptions {
  scripts: Scripts;
  keys: Keys;
  queueNames: readonly string[];
}

/**
 * Schedules of other BullMQ programs: their job schedulers, of all queues that are known. BullMQ's own
 * way to list them removes what it can not read; this one changes nothing.
 */
export async function readOutsideSchedules(
  options: OutsideSchedulesOptions,
): Promise<ScheduleRow[]> {
  const { scripts, keys, queueNames } = options;
  const rows = queueNames.map(async (queue) => {
    const [nowMs, ...found] = answerSchema.parse(
      await scripts.run('readJobSchedulers', [keys.queue(queue, 'repeat')], [MOST_OF_A_QUEUE]),
    );
    return found.map((one) => rowOf(queue, one, nowMs));
  });
  return (await Promise.all(rows)).flat();
}

/** Pure. */
function rowOf(queue: string, scheduler: JobScheduler, nowMs: number): ScheduleRow {
  const { id, slot, timezone, made, limit, endsAt } = scheduler;
  const state = stateOf(scheduler, nowMs);
  const nextSlotAt = state === 'scheduled' ? isoOrNull(slot) : null;
  const { job, rule } = jobAndRuleOf(scheduler);
  return {
    // After a time without workers BullMQ has one job waiting, for all slots that passed.
    ...{ name: `${queue}/${id}`, job, rule, timezone, missed: 'run-once', interval: null },
    ...{ nextSlotAt, nextSlots: nextSlotAt === null ? [] : [nextSlotAt] },
    lastSlotAt: slot !== null && slot <= nowMs ? isoOrNull(slot) : null,
    ...{ lastOutcome: null, lastBy: null, lastSlots: [], missedSlots: 0 },
    ...{ pausedAt: null, skipSlotAt: null },
    outside: { queue, state, made, limit, endsAt: isoOrNull(endsAt) },
  };
}

/**
 * BullMQ makes the next job when a worker takes the one before: without that one nothing goes on. What
 * it did not count is of an older kind, whose jobs have other ids: nothing is known of them.
 */
function stateOf(scheduler: JobScheduler, nowMs: number): Outside['state'] {
  const { slot, made, hasJob } = scheduler;
  if (made !== null && !hasJob) return hasEnded(scheduler, nowMs) ? 'ended' : 'stuck';
  return slot !== null && slot > nowMs ? 'scheduled' : 'waits';
}

function hasEnded({ slot, made, limit, endsAt, pattern, timezone }: JobScheduler, nowMs: number) {
  if (limit !== null && made !== null && made >= limit) return true;
  if (endsAt === null) return false;
  return nowMs > endsAt || (nextOf(pattern, timezone, slot) ?? 0) > endsAt;
}

/** undefined for what is no cron pattern: a program may have rules of its own. */
function nextOf(pattern: string | null, timezone: string | null, slot: number | null) {
  if (pattern === null || slot === null) return undefined;
  try {
    return new CronSlots(pattern, timezone ?? undefined, '').next(slot);
  } catch {
    return undefined;
  }
}

/** Very old ones are an id alone: `name:id:endDate:tz:rule`. */
function jobAndRuleOf({
  id,
  name,
  pattern,
  every,
}: JobScheduler): Pick<ScheduleRow, 'job' | 'rule'> {
  if (pattern !== null) return { job: name ?? id, rule: describeRule({ cron: pattern }) };
  if (every !== null) return { job: name ?? id, rule: describeRule({ every }) };
  const [job = id, , , , ...rest] = id.split(':');
  const rule = rest.join(':');
  const everyMs = countField.parse(rule);
  return {
    job: name ?? job,
    rule: describeRule(everyMs === null ? { cron: rule } : { every: everyMs }),
  };
}
