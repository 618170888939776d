import * as z from 'zod';
import { assertNever } from '../common/assertNever.ts';
import { InterlockError } from '../common/errors.ts';
import type { Config } from '../config/schema.ts';
import { MAX_DECISIONS, type DecisionLog } from '../decisions/decisionLog.ts';
import type { Enqueuing } from '../jobs/enqueuing.ts';
import { slotJobId } from '../jobs/jobId.ts';
import type { Lease } from '../leases/lease.ts';
import type { DecisionOutcome, Holder } from '../protocol/decision.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { DeclaredSchedule } from './declaredSchedule.ts';
import { dynamicInterval } from './dynamicInterval.ts';
import { readRunTimes } from './runTimes.ts';
import {
  LAST_SLOTS_KEPT,
  readLastSlots,
  type LastSlot,
  type ScheduleState,
} from './scheduleState.ts';
import { SCHEDULER_LOCK } from './schedulerLock.ts';
import type { PassedSlots, SlotStep } from './slotPlan.ts';

/** Of Redis, not of the job: the same slot is tried again. */
const PASSING_TROUBLE: readonly string[] = ['redis_unreachable', 'redis_refused', 'timeout'];

const claimAnswer = z.enum(['claimed', 'changed', 'lease_lost']);

export interface SlotWriterOptions {
  config: Config;
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  enqueuing: Enqueuing;
  decisions: DecisionLog;
  holder: Holder;
}

/** `changed`: somebody wrote the schedule meanwhile: look again. */
export type TakeAnswer = 'taken' | 'changed' | 'lease_lost';

/** Does the steps of a schedule in Redis. Each write is checked against the scheduler's fence. */
export class SlotWriter {
  constructor(private readonly options: SlotWriterOptions) {}

  /**
   * @param state what the step was decided on
   * @throws InterlockError `redis_unreachable`; the step is left half done, and is finished later
   */
  async take(
    step: Exclude<SlotStep, { kind: 'wait' }>,
    schedule: DeclaredSchedule,
    state: ScheduleState,
    lease: Lease,
    nowMs: number,
  ): Promise<TakeAnswer> {
    switch (step.kind) {
      case 'begin':
        return this.begin(step, schedule, state, lease);
      case 'pass':
        return this.claim({ ...step, pending: false }, schedule, state, lease, '');
      case 'finish':
        await this.enqueue(step.slotMs, schedule, state, lease);
        return 'taken';
      case 'enqueue': {
        const interval = await this.nextInterval(schedule, state, nowMs);
        const claim = { ...step, pending: true };
        const answer = await this.claim(claim, schedule, state, lease, interval);
        if (answer === 'taken') await this.enqueue(step.slotMs, schedule, state, lease);
        return answer;
      }
      default:
        return assertNever(step);
    }
  }

  private async begin(
    { slotMs, dropped }: Extract<SlotStep, { kind: 'begin' }>,
    schedule: DeclaredSchedule,
    state: ScheduleState,
    lease: Lease,
  ): Promise<TakeAnswer> {
    const { scripts, keys } = this.options;
    const { name, rule, bounds } = schedule;
    const answer = await scripts.run(
      'beginSchedule',
      [
        ...[keys.lease(SCHEDULER_LOCK), keys.schedule(name)],
        ...[keys.scheduleSlots(name), keys.decisions],
      ],
      [
        ...[lease.fence, state.rule ?? '', rule, slotMs, bounds?.min ?? '', MAX_DECISIONS],
        dropped === undefined ? '' : JSON.stringify(passedDecision(name, dropped)),
      ],
    );
    return takeAnswer(answer);
  }

  private async claim(
    { slotMs, passed, pending }: { slotMs: number; passed: PassedSlots[]; pending: boolean },
    { name, rule }: DeclaredSchedule,
    state: ScheduleState,
    lease: Lease,
    interval: number | '',
  ): Promise<TakeAnswer> {
    const { scripts, keys } = this.options;
    const missed = passed.filter(({ reason }) => reason === 'slot_missed');
    const answer = await scripts.run(
      'claimSlot',
      [
        ...[keys.lease(SCHEDULER_LOCK), keys.schedule(name)],
        ...[keys.decisions, keys.scheduleSlots(name)],
      ],
      [
        ...[lease.fence, rule, state.slot ?? '', state.rev, slotMs, pending ? 'pending' : 'done'],
        ...[this.by, missed.reduce((sum, { count }) => sum + count, 0), interval],
        ...[MAX_DECISIONS, LAST_SLOTS_KEPT],
        ...passed.flatMap((one) => [
          JSON.stringify(passedDecision(name, one)),
          JSON.stringify(this.passedLine(one)),
        ]),
      ],
    );
    return takeAnswer(answer);
  }

  /** Enqueues a slot that is claimed, and writes down what came of it. */
  private async enqueue(
    slotMs: number,
    schedule: DeclaredSchedule,
    state: ScheduleState,
    lease: Lease,
  ): Promise<void> {
    const { scripts, keys } = this.options;
    const { name } = schedule;
    const wasAdded = state.enqueued === slotMs;
    const outcome = wasAdded ? 'accepted' : await this.outcomeOf(slotMs, schedule, lease);
    const line: LastSlot = { slot: slotMs, count: 1, outcome, reason: null, by: this.by };
    await scripts.run(
      'confirmSlot',
      [keys.lease(SCHEDULER_LOCK), keys.schedule(name), keys.scheduleSlots(name)],
      [lease.fence, slotMs, outcome, this.by, JSON.stringify(line), LAST_SLOTS_KEPT],
    );
  }

  private async outcomeOf(
    slotMs: number,
    { name, config }: DeclaredSchedule,
    lease: Lease,
  ): Promise<DecisionOutcome> {
    const { enqueuing, decisions, keys } = this.options;
    try {
      const decision = await enqueuing.enqueue({
        ...{ type: config.job, data: config.data ?? {}, action: 'schedule' },
        jobId: slotJobId(name, slotMs),
        lease: {
          ...{ name: SCHEDULER_LOCK, fence: lease.fence },
          // The slot is taken once, also when its job has been removed meanwhile.
          progress: { key: keys.schedule(name), fields: new Map([['enqueued', slotMs]]) },
        },
      });
      return decision.outcome;
    } catch (error) {
      if (!(error instanceof InterlockError) || PASSING_TROUBLE.includes(error.code)) throw error;
      await decisions.record({
        ...{ action: 'schedule', subject: config.job, key: null, outcome: 'refused' },
        ...{ reason: 'invalid_payload', jobId: slotJobId(name, slotMs), survivor: null },
        ...{ holder: null, until: null, remedy: error.message },
      });
      return 'refused';
    }
  }

  /** What a dynamic interval is to be from this slot on, in ms; '' for a fixed one. */
  private async nextInterval(
    schedule: DeclaredSchedule,
    state: ScheduleState,
    nowMs: number,
  ): Promise<number | ''> {
    const { config, redis, keys } = this.options;
    const { bounds, name } = schedule;
    const interval = schedule.intervalOf(state);
    const queue = config.jobs[schedule.config.job]?.queue;
    if (bounds === undefined || interval === undefined || queue === undefined) return '';
    const lastSlots = await readLastSlots(redis, keys, name);
    const runs = await readRunTimes({ redis, keys }, name, queue, lastSlots, nowMs);
    return dynamicInterval(interval, runs, bounds);
  }

  private passedLine({ reason, count, fromMs, toMs }: PassedSlots): LastSlot {
    const one: LastSlot = { slot: fromMs, count, outcome: 'skipped', reason, by: this.by };
    return count === 1 ? one : { ...one, to: toMs };
  }

  private get by(): string {
    const { host, pid } = this.options.holder;
    return `${host}:${pid}`;
  }
}

function takeAnswer(answer: unknown): TakeAnswer {
  const parsed = claimAnswer.parse(answer);
  return parsed === 'claimed' ? 'taken' : parsed;
}

/** As the record holds it. */
function passedDecision(schedule: string, { reason, count, atLeast, fromMs, toMs }: PassedSlots) {
  return {
    ...{ action: 'schedule', subject: schedule, key: null, outcome: 'skipped', reason },
    ...{ jobId: null, survivor: null, remedy: remedyOf(reason, schedule) },
    slots: {
      ...{ count, atLeast },
      ...{ from: new Date(fromMs).toISOString(), to: new Date(toMs).toISOString() },
    },
  };
}

function remedyOf(reason: PassedSlots['reason'], schedule: string): string {
  switch (reason) {
    case 'slot_missed':
      return 'To have each of them enqueued later, set "missed": "catch-up". A second scheduler takes over when one ends.';
    case 'schedule_paused':
      return `What is to run nevertheless: "interlock schedules run ${schedule}".`;
    case 'skipped_by_person':
      return 'Nothing is to be done: the slot after it is enqueued.';
    default:
      return assertNever(reason);
  }
}
