import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import * as path from 'node:path';
import { CONFIG_FILE, loadConfig } from '../../../../agent/config/load.ts';
import { configSchema, type Config } from '../../../../agent/config/schema.ts';
import {
  declaredSchedules,
  type DeclaredSchedule,
} from '../../../../agent/schedules/declaredSchedule.ts';
import type { ScheduleState } from '../../../../agent/schedules/scheduleState.ts';
import { nextDueMs, nextStep } from '../../../../agent/schedules/slotPlan.ts';
import { PROJECT_ROOT } from '../../../harness/workspace.ts';

const ZONE = 'Asia/Jerusalem';
const HOUR_MS = 3_600_000;
/** Every slot of these schedules is a multiple of it. */
const STEP_MS = 30_000;
/** A scheduler that is away is waited for in such steps. */
const LOOK_MS = 1_000;

/** The project whose day is replayed; without it, the same jobs from here. */
const EXAMPLE = path.join(PROJECT_ROOT, 'examples', 'notifications');
const MONITORS = [
  ...['chain_state_monitor', 'chainhook_monitor'],
  ...['agent_wallet_balance_monitor', 'dao_token_holders_monitor'],
];
const FIXTURE = {
  jobs: {},
  schedules: {
    reminders_tick: { job: 'reminders_tick_job', every: '1m' },
    sessions_cleanup: { job: 'whatsapp_sessions_cleanup_job', cron: '*/5 * * * *', timezone: ZONE },
    reminders_cleanup: { job: 'reminders_cleanup_job', cron: '0 3 * * *', timezone: ZONE },
    recordings_cleanup: { job: 'cleanup_old_recordings_job', cron: '0 4 * * *', timezone: ZONE },
    ...Object.fromEntries(MONITORS.map((job) => [job, { job, every: '90s' }])),
  },
};

/** When each job runs, in words that owe nothing to the code under test. */
const TABLE: Record<string, { everyMs: number } | { at: string }> = {
  reminders_tick_job: { everyMs: 60_000 },
  whatsapp_sessions_cleanup_job: { everyMs: 5 * 60_000 },
  reminders_cleanup_job: { at: '03:00:00' },
  cleanup_old_recordings_job: { at: '04:00:00' },
};

/** From midnight to midnight in the zone, and how often its clock shows each hour that matters. */
const DAYS: [what: string, from: string, hours: number][] = [
  ['an ordinary day', '2026-01-31T22:00:00Z', 24],
  ['the day on which clocks go forward', '2026-03-26T22:00:00Z', 23],
  ['the day on which clocks go back', '2026-10-24T21:00:00Z', 25],
];

describe('a day of the example, replayed', () => {
  const config: Config = existsSync(path.join(EXAMPLE, CONFIG_FILE))
    ? loadConfig(EXAMPLE, {}).config
    : configSchema.parse(FIXTURE);
  const schedules = [...declaredSchedules(config).values()];

  it('has every job of the table, and the monitors', () => {
    const jobs = new Set(schedules.map((schedule) => schedule.config.job));
    for (const job of [...Object.keys(TABLE), ...MONITORS]) assert.ok(jobs.has(job), job);
  });

  for (const [what, from, hours] of DAYS) {
    const fromMs = Date.parse(from);
    const toMs = fromMs + hours * HOUR_MS;
    const moments = wallMoments(fromMs, toMs);

    it(`${what} matches the table slot for slot`, () => {
      for (const schedule of schedules) {
        const { enqueued, passed } = replay(schedule, fromMs, toMs, () => true);
        assert.deepEqual(passed, [], schedule.name);
        assert.deepEqual(isoTimes(enqueued), isoTimes(expected(schedule, moments)), schedule.name);
      }
    });

    it(`${what}, without a scheduler from 02:50 to 04:10: each slot is enqueued or told`, () => {
      const gone = moments.filter(({ wall }) => wall >= '02:50:00' && wall <= '04:10:00');
      const [goneMs, backMs] = [gone[0]?.ms ?? 0, (gone.at(-1)?.ms ?? 0) + LOOK_MS];
      for (const schedule of schedules) {
        const isThere = (ms: number) => ms < goneMs || ms >= backMs;
        const { enqueued, passed } = replay(schedule, fromMs, toMs, isThere);
        const all = [...enqueued, ...passed].sort((a, b) => a - b);
        assert.deepEqual(isoTimes(all), isoTimes(expected(schedule, moments)), schedule.name);
        // Of those in between the newest is enqueued, when the scheduler is back.
        const late = enqueued.filter((ms) => ms >= goneMs && ms < backMs);
        assert.equal(late.length, 1, schedule.name);
        assert.ok(passed.every((ms) => ms < (late[0] ?? 0)));
      }
    });
  }
});

/** What the scheduler does in a simulated time, as it is written in Redis. */
function replay(
  schedule: DeclaredSchedule,
  fromMs: number,
  toMs: number,
  isThere: (ms: number) => boolean,
): { enqueued: number[]; passed: number[] } {
  const enqueued: number[] = [];
  const passed: number[] = [];
  let state: ScheduleState = { missed: 0, rev: '' };
  let nowMs = fromMs - 1;
  while (nowMs < toMs) {
    const situation = schedule.situation(state);
    const step = isThere(nowMs) ? nextStep(situation, nowMs) : ({ kind: 'wait' } as const);
    if (step.kind === 'wait') {
      nowMs = isThere(nowMs) ? nextDueMs(situation, nowMs) : nowMs + LOOK_MS;
      continue;
    }
    if (step.kind === 'enqueue') enqueued.push(step.slotMs);
    if ('passed' in step) {
      for (const stretch of step.passed) {
        const { slots } = situation;
        for (let ms = stretch.fromMs; ms <= stretch.toMs; ms = slots.next(ms)) passed.push(ms);
      }
    }
    state = { missed: 0, rev: '', slot: step.slotMs, state: 'done', rule: schedule.rule };
  }
  return { enqueued, passed };
}

/** By looking at each half minute of the day on the wall clock. */
function expected({ config, name }: DeclaredSchedule, moments: WallMoment[]): number[] {
  const row = TABLE[config.job];
  if (row !== undefined && 'at' in row) {
    return moments.flatMap(({ wall, ms }) => (wall === row.at ? [ms] : [])).slice(0, 1);
  }
  const everyMs = row?.everyMs ?? config.every;
  assert.ok(typeof everyMs === 'number', name);
  return moments.flatMap(({ ms }) => (ms % everyMs === 0 ? [ms] : []));
}

interface WallMoment {
  wall: string;
  ms: number;
}

function wallMoments(fromMs: number, toMs: number): WallMoment[] {
  const format = new Intl.DateTimeFormat('en-GB', {
    ...{ timeZone: ZONE, hour: '2-digit', minute: '2-digit', second: '2-digit' },
  });
  const found: WallMoment[] = [];
  for (let ms = fromMs; ms < toMs; ms += STEP_MS) found.push({ wall: format.format(ms), ms });
  return found;
}

function isoTimes(times: readonly number[]): string[] {
  return times.map((ms) => new Date(ms).toISOString());
}
