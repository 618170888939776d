import { InterlockError } from '../common/errors.ts';
import { MAX_DECISIONS, type DecisionLog } from '../decisions/decisionLog.ts';
import type { Enqueuing } from '../jobs/enqueuing.ts';
import type { Decision, Holder } from '../protocol/decision.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import type { Scripts } from '../redis/scripts.ts';
import { requireSchedule, type DeclaredSchedule } from './declaredSchedule.ts';
import { readSchedule } from './scheduleState.ts';
import { nextDueMs } from './slotPlan.ts';

/** Each try is beaten only by a scheduler that goes on to the next slot. */
const MOST_TRIES = 5;

type ControlAction = Extract<
  Decision['action'],
  'pause_schedule' | 'resume_schedule' | 'skip_slot'
>;

export interface ScheduleControlOptions {
  schedules: ReadonlyMap<string, DeclaredSchedule>;
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  enqueuing: Enqueuing;
  decisions: DecisionLog;
  holder: Holder;
}

/** What people ask of schedules. It is data in Redis, so every scheduler sees it. */
export class ScheduleControl {
  constructor(private readonly options: ScheduleControlOptions) {}

  /** Enqueues a schedule's job now, outside its slots, paused or not. @throws InterlockError `not_found` */
  async runNow(name: string): Promise<Decision> {
    const { schedules, enqueuing } = this.options;
    const { config } = requireSchedule(schedules, name);
    return enqueuing.enqueue({ type: config.job, data: config.data ?? {} });
  }

  /** From now on no slot is enqueued. @throws InterlockError `not_found` */
  async pause(name: string): Promise<Decision> {
    const { schedules, scripts, keys, holder } = this.options;
    requireSchedule(schedules, name);
    const answer = await scripts.run(
      'pauseSchedule',
      [keys.schedule(name), keys.decisions],
      [
        ...[`${holder.host}:${holder.pid}`, MAX_DECISIONS],
        ...[done('pause_schedule', name), refused('pause_schedule', name, 'schedule_paused')],
      ],
    );
    return this.told('pause_schedule', name, answer);
  }

  /** Goes on with the next slot; what passed is not caught up. @throws InterlockError `not_found` */
  async resume(name: string): Promise<Decision> {
    const { schedules, scripts, keys } = this.options;
    requireSchedule(schedules, name);
    const answer = await scripts.run(
      'resumeSchedule',
      [keys.schedule(name), keys.decisions],
      [
        ...[MAX_DECISIONS, done('resume_schedule', name)],
        refused('resume_schedule', name, 'not_paused'),
      ],
    );
    return this.told('resume_schedule', name, answer);
  }

  /**
   * The next slot is not enqueued; asked twice, it is the same slot.
   * @throws InterlockError `not_found`, `conflict` when no scheduler has seen the schedule yet
   */
  async skipNext(name: string): Promise<Decision> {
    const { schedules, redis, scripts, keys } = this.options;
    const schedule = requireSchedule(schedules, name);
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const [state, nowMs] = await Promise.all([
        readSchedule(redis, keys, name),
        redisNowMs(redis),
      ]);
      if (state.slot === undefined || state.rule !== schedule.rule) break;
      const slotMs = nextDueMs(schedule.situation(state), nowMs);
      const answer = await scripts.run(
        'skipSlot',
        [keys.schedule(name), keys.decisions],
        [
          ...[state.rule, state.slot, slotMs, MAX_DECISIONS, done('skip_slot', name, slotMs)],
          refused('skip_slot', name, 'schedule_paused'),
        ],
      );
      if (answer !== 'changed') return this.told('skip_slot', name, answer);
    }
    throw new InterlockError({
      code: 'conflict',
      message: `The next slot of ${name} is not settled.`,
      remedy: 'No scheduler has seen the schedule yet, or it goes on right now: try again.',
    });
  }

  private told(action: ControlAction, subject: string, answer: unknown): Decision {
    return this.options.decisions.fromScript(answer, { action, subject, key: null, jobId: null });
  }
}

function done(action: ControlAction, subject: string, slotMs?: number): string {
  const at = slotMs === undefined ? undefined : new Date(slotMs).toISOString();
  return JSON.stringify({
    ...{ action, subject, key: null, outcome: 'accepted', reason: 'within_limits' },
    ...{ jobId: null, survivor: null, remedy: null },
    ...(at === undefined ? {} : { slots: { count: 1, atLeast: false, from: at, to: at } }),
  });
}

/** It is so already, or makes no sense while it is paused. */
function refused(
  action: ControlAction,
  subject: string,
  reason: 'schedule_paused' | 'not_paused',
): string {
  const remedy =
    reason === 'not_paused'
      ? 'Nothing is to be done: its next slot is enqueued.'
      : `To have it enqueued again: "interlock schedules resume ${subject}".`;
  return JSON.stringify({
    ...{ action, subject, key: null, outcome: 'skipped', reason },
    ...{ jobId: null, survivor: null, remedy },
  });
}
