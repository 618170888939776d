import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { ScheduleState } from '../../../../agent/schedules/scheduleState.ts';
import {
  nextStep,
  SKIP_GRACE_MS,
  type SlotSituation,
  type SlotStep,
} from '../../../../agent/schedules/slotPlan.ts';
import { everySlots } from '../../../../agent/schedules/slots.ts';

const SECOND_MS = 1_000;
const RULE = 'every 1000 ms';

/** A schedule at whole seconds, which has come to 10 s. */
const situation = (
  state: Partial<ScheduleState> = {},
  more: Partial<SlotSituation> = {},
): SlotSituation => ({
  ...{ missed: 'run-once', catchUpLimit: 100, slots: everySlots(SECOND_MS, 0), rule: RULE },
  state: { slot: 10_000, state: 'done', rule: RULE, missed: 0, rev: '', ...state },
  ...more,
});

/** Every step until it waits, as the scheduler takes them. */
function steps(of: SlotSituation, nowMs: number): SlotStep[] {
  const taken: SlotStep[] = [];
  let state = of.state;
  let catchUpLimit = of.catchUpLimit;
  for (;;) {
    const step = nextStep({ ...of, state, catchUpLimit }, nowMs);
    if (step.kind === 'wait') return taken;
    taken.push(step);
    // As the script does it.
    const { skipSlot } = state;
    state = { slot: step.slotMs, state: 'done', rule: of.rule, missed: 0, rev: '' };
    if (skipSlot !== undefined && skipSlot > step.slotMs) state.skipSlot = skipSlot;
    if (step.kind === 'enqueue') catchUpLimit = Infinity;
  }
}

/** `enqueue 12000`, `2 slot_missed 11000-12000`. */
function words(taken: SlotStep[]): string[] {
  return taken.flatMap((step) => {
    if (step.kind === 'wait') return [];
    const passed = 'passed' in step ? step.passed : [];
    return [
      ...passed.map(({ reason, count, fromMs, toMs }) => `${count} ${reason} ${fromMs}-${toMs}`),
      ...(step.kind === 'pass' ? [] : [`${step.kind} ${step.slotMs}`]),
    ];
  });
}

const told = (of: SlotSituation, nowMs: number) => words(steps(of, nowMs));

describe('the steps of a schedule', () => {
  it('begin with the slot after now, when it or its rule is new', () => {
    const fresh = { missed: 0, rev: '' };
    assert.deepEqual(told(situation({}, { state: fresh }), 12_345), ['begin 12000']);
    assert.deepEqual(told(situation({ rule: 'another' }), 12_345), ['begin 12000']);
    const claimed = situation({ rule: 'another', state: 'pending' });
    assert.deepEqual(nextStep(claimed, 12_345), {
      ...{ kind: 'begin', slotMs: 12_000 },
      dropped: {
        ...{ reason: 'slot_missed', count: 1, atLeast: false, fromMs: 10_000, toMs: 10_000 },
      },
    });
  });

  it('are none before the next slot, and one from its first millisecond on', () => {
    assert.deepEqual(told(situation(), 10_999), []);
    assert.deepEqual(told(situation(), 11_000), ['enqueue 11000']);
    assert.deepEqual(told(situation(), 9_000), [], "Redis' clock went back");
  });

  it('run-once: of those that were missed the newest alone, and the rest is told', () => {
    assert.deepEqual(told(situation(), 14_500), ['3 slot_missed 11000-13000', 'enqueue 14000']);
  });

  it('catch-up: each, the oldest first', () => {
    assert.deepEqual(told(situation({}, { missed: 'catch-up' }), 13_500), [
      ...['enqueue 11000', 'enqueue 12000', 'enqueue 13000'],
    ]);
  });

  it('catch-up: at most its limit, and what is left out is told', () => {
    const bounded = situation({}, { missed: 'catch-up', catchUpLimit: 2 });
    assert.deepEqual(told(bounded, 15_500), [
      '3 slot_missed 11000-13000',
      ...['enqueue 14000', 'enqueue 15000'],
    ]);
    assert.deepEqual(told(bounded, 12_500), ['enqueue 11000', 'enqueue 12000']);
  });

  it('skip: those within the grace, and none that is older', () => {
    const skip = situation({}, { missed: 'skip' });
    assert.deepEqual(told(skip, 11_000 + SKIP_GRACE_MS), [
      ...['enqueue 11000', 'enqueue 12000', 'enqueue 13000'],
      ...['enqueue 14000', 'enqueue 15000', 'enqueue 16000'],
    ]);
    assert.equal(told(skip, 11_001 + SKIP_GRACE_MS)[0], '1 slot_missed 11000-11000');
    const hourly = everySlots(3_600_000, 0);
    const late = situation({ slot: 0 }, { missed: 'skip', slots: hourly });
    assert.deepEqual(told(late, 7_200_000 + SKIP_GRACE_MS + 1), ['2 slot_missed 3600000-7200000']);
  });

  it('finish a slot that was claimed, paused or not when its job is there', () => {
    const pending = { state: 'pending' } as const;
    assert.deepEqual(told(situation(pending), 10_500), ['finish 10000']);
    const paused = { ...pending, pausedAt: 10_100 };
    assert.deepEqual(told(situation(paused), 20_000), [], 'nothing is enqueued in a pause');
    const added = { ...paused, enqueued: 10_000 };
    assert.equal(nextStep(situation(added), 20_000).kind, 'finish');
    const tooLate = situation(pending, { missed: 'skip' });
    assert.equal(told(tooLate, 10_001 + SKIP_GRACE_MS)[0], '1 slot_missed 10000-10000');
  });

  it('are none while it is paused, and what passed is not caught up', () => {
    for (const missed of ['skip', 'run-once', 'catch-up'] as const) {
      assert.deepEqual(told(situation({ pausedAt: 12_500 }, { missed }), 20_000), []);
      const resumed = situation({ heldFrom: 12_500, heldUntil: 15_200 }, { missed });
      assert.deepEqual(told(resumed, 16_000), [
        ...['2 slot_missed 11000-12000', '3 schedule_paused 13000-15000', 'enqueue 16000'],
      ]);
    }
  });

  it('leave out the slot that a person does not want, and only that one', () => {
    const skipping = situation({ skipSlot: 11_000 });
    assert.deepEqual(told(skipping, 11_000), ['1 skipped_by_person 11000-11000']);
    assert.deepEqual(told(skipping, 12_000), ['1 slot_missed 11000-11000', 'enqueue 12000']);
    const newest = situation({ skipSlot: 13_000 });
    assert.deepEqual(told(newest, 13_000), [
      ...['1 slot_missed 11000-11000', 'enqueue 12000', '1 skipped_by_person 13000-13000'],
    ]);
    const caughtUp = situation({ skipSlot: 12_000 }, { missed: 'catch-up' });
    assert.deepEqual(told(caughtUp, 13_000), [
      ...['enqueue 11000', '1 skipped_by_person 12000-12000', 'enqueue 13000'],
    ]);
  });

  it('account for each slot exactly once, whatever happens', () => {
    const anyState = fc.record(
      {
        pausedFor: fc.tuple(fc.integer({ min: 10_000, max: 25_000 }), fc.nat(9_000)),
        skipSlot: fc.integer({ min: 11, max: 30 }).map((second) => second * SECOND_MS),
        pending: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.constantFrom('skip', 'run-once', 'catch-up'),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 10_000, max: 40_000 }),
        anyState,
        (missed, catchUpLimit, nowMs, { pausedFor, skipSlot, pending }) => {
          const state: Partial<ScheduleState> = { state: pending === true ? 'pending' : 'done' };
          if (pausedFor !== undefined && pausedFor[0] + pausedFor[1] <= nowMs) {
            state.heldFrom = pausedFor[0];
            state.heldUntil = pausedFor[0] + pausedFor[1];
          }
          if (skipSlot !== undefined) state.skipSlot = skipSlot;
          const taken = steps(situation(state, { missed, catchUpLimit }), nowMs);
          const seen = taken.flatMap((step) => {
            if (step.kind === 'wait') return [];
            const passed = 'passed' in step ? step.passed : [];
            const all = passed.flatMap(({ fromMs, toMs, count }) => {
              assert.equal(count, (toMs - fromMs) / SECOND_MS + 1);
              return Array.from({ length: count }, (_, index) => fromMs + index * SECOND_MS);
            });
            return step.kind === 'pass' ? all : [...all, step.slotMs];
          });
          const first = pending === true ? 10 : 11;
          const due = Math.floor(nowMs / SECOND_MS) - first + 1;
          const expected = Array.from({ length: due }, (_, index) => (first + index) * SECOND_MS);
          assert.deepEqual(seen, expected);
        },
      ),
    );
  });
});
