import { assertNever } from '../common/assertNever.ts';
import type { ScheduleConfig } from '../config/schema.ts';
import type { DecisionReason } from '../protocol/decision.ts';
import type { ScheduleState } from './scheduleState.ts';
import type { Slots } from './slots.ts';

/** `missed: "skip"` still enqueues a slot that is at most so late: a busy machine is no outage. */
export const SKIP_GRACE_MS = 5_000;
/** `missed: "catch-up"` enqueues at most so many slots that were missed, unless told otherwise. */
export const DEFAULT_CATCH_UP_LIMIT = 100;

/** A stretch of slots that are not enqueued. */
export interface PassedSlots {
  reason: Extract<DecisionReason, 'slot_missed' | 'schedule_paused' | 'skipped_by_person'>;
  count: number;
  /** There are more of them than were counted. */
  atLeast: boolean;
  fromMs: number;
  toMs: number;
}

/** What is to be done about a schedule next. */
export type SlotStep =
  | { kind: 'wait' }
  /** It is new, or its rule is: note the newest slot, enqueue nothing. */
  | { kind: 'begin'; slotMs: number; dropped: PassedSlots | undefined }
  /** A slot that was claimed, and of which nobody said what it came to. */
  | { kind: 'finish'; slotMs: number }
  | { kind: 'pass'; slotMs: number; passed: PassedSlots[] }
  /** After what came before it and is not enqueued. */
  | { kind: 'enqueue'; slotMs: number; passed: PassedSlots[] };

/** A schedule and how far it has come. */
export interface SlotSituation {
  missed: NonNullable<ScheduleConfig['missed']>;
  /** Infinity: it was looked at in the step before, and to count costs time. */
  catchUpLimit: number;
  slots: Slots;
  rule: string;
  state: ScheduleState;
}

/**
 * The next step of a schedule. Pure. It is asked again after each step, until it says `wait`.
 * @param nowMs Redis' time, ms since the epoch
 */
export function nextStep(of: SlotSituation, nowMs: number): SlotStep {
  const { slots, state } = of;
  const lastMs = state.slot;
  if (lastMs === undefined || state.rule !== of.rule) {
    return { kind: 'begin', slotMs: slots.latest(nowMs), dropped: droppedOf(state) };
  }
  if (state.state === 'pending') return unconfirmed(of, lastMs, nowMs);
  if (state.pausedAt !== undefined) return { kind: 'wait' };
  const held = passedInPause(of, lastMs);
  if (held.length > 0) return { kind: 'pass', slotMs: held.at(-1)?.toMs ?? lastMs, passed: held };
  const newestMs = slots.latest(nowMs);
  if (newestMs <= lastMs) return { kind: 'wait' };
  const targetMs = targetOf(of, lastMs, newestMs, nowMs);
  if (targetMs === undefined) {
    return {
      kind: 'pass',
      slotMs: newestMs,
      passed: stretch(slots, 'slot_missed', lastMs, newestMs),
    };
  }
  const passed = stretch(slots, 'slot_missed', lastMs, targetMs - 1);
  if (targetMs !== state.skipSlot) return { kind: 'enqueue', slotMs: targetMs, passed };
  return {
    kind: 'pass',
    slotMs: targetMs,
    passed: [...passed, one('skipped_by_person', targetMs)],
  };
}

/** When there is something to do next, if nobody asks for anything. */
export function nextDueMs({ slots, state }: SlotSituation, nowMs: number): number {
  return slots.next(Math.max(nowMs, state.slot ?? nowMs));
}

/** A slot of the old rule that was claimed by one that died, and whose job was not added. */
function droppedOf({ slot, state, enqueued }: ScheduleState): PassedSlots | undefined {
  if (slot === undefined || state !== 'pending' || enqueued === slot) return undefined;
  return one('slot_missed', slot);
}

/** A scheduler died between its claim and its note. Whether the job was added is known. */
function unconfirmed(of: SlotSituation, slotMs: number, nowMs: number): SlotStep {
  const { state, missed } = of;
  if (state.enqueued === slotMs) return { kind: 'finish', slotMs };
  if (state.pausedAt !== undefined) return { kind: 'wait' };
  const isTooLate = missed === 'skip' && nowMs - slotMs > SKIP_GRACE_MS;
  if (isTooLate || slotMs <= (state.heldUntil ?? -Infinity)) {
    return { kind: 'pass', slotMs, passed: [one('slot_missed', slotMs)] };
  }
  return { kind: 'finish', slotMs };
}

/** What was due until a pause ended is not enqueued any more, whatever the policy. */
function passedInPause({ slots, state }: SlotSituation, lastMs: number): PassedSlots[] {
  const { heldFrom, heldUntil } = state;
  if (heldFrom === undefined || heldUntil === undefined || heldUntil <= lastMs) return [];
  return [
    ...stretch(slots, 'slot_missed', lastMs, heldFrom),
    ...stretch(slots, 'schedule_paused', Math.max(lastMs, heldFrom), heldUntil),
  ];
}

/** The slot that the policy wants next; undefined: none of those that are due. */
function targetOf(
  { missed, catchUpLimit, slots, state }: SlotSituation,
  lastMs: number,
  newestMs: number,
  nowMs: number,
): number | undefined {
  switch (missed) {
    case 'run-once': {
      if (newestMs !== state.skipSlot) return newestMs;
      const before = slots.latest(newestMs - 1);
      return before > lastMs ? before : newestMs;
    }
    case 'skip': {
      const first = slots.next(Math.max(lastMs, nowMs - SKIP_GRACE_MS - 1));
      return first <= nowMs ? first : undefined;
    }
    case 'catch-up': {
      const first = slots.next(lastMs);
      if (catchUpLimit === Infinity) return first;
      if (slots.count(lastMs, newestMs, catchUpLimit + 1) <= catchUpLimit) return first;
      let targetMs = newestMs;
      for (let more = 1; more < catchUpLimit; more += 1) targetMs = slots.latest(targetMs - 1);
      return targetMs;
    }
    default:
      return assertNever(missed);
  }
}

/** The slots after one moment and up to another; nothing when there is none. */
function stretch(
  slots: Slots,
  reason: PassedSlots['reason'],
  afterMs: number,
  upToMs: number,
): PassedSlots[] {
  const { mostCounted } = slots;
  const counted = slots.count(afterMs, upToMs, mostCounted + 1);
  if (counted === 0) return [];
  return [
    {
      ...{ reason, count: Math.min(counted, mostCounted), atLeast: counted > mostCounted },
      ...{ fromMs: slots.next(afterMs), toMs: slots.latest(upToMs) },
    },
  ];
}

function one(reason: PassedSlots['reason'], slotMs: number): PassedSlots {
  return { reason, count: 1, atLeast: false, fromMs: slotMs, toMs: slotMs };
}
