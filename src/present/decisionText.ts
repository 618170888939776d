import { assertNever } from '../../agent/common/assertNever.ts';
import type {
  Decision,
  DecisionAction,
  DecisionOutcome,
  DecisionReason,
} from '../../agent/protocol/decision.ts';
import type { DecisionFilter } from '../model/decisionList.ts';
import { formatClockTime, formatCount } from './age.ts';
import { describeHolder } from './holderText.ts';
import { jobLabel, joined } from './jobText.ts';
import type { Translate } from './translate.ts';

/** `enqueue chain_state_monitor [mainnet]: already_running; job 7 is active since 14:03:09`. */
export function decisionSentence(decision: Decision, nowMs: number, t: Translate): string {
  return `${decisionHead(decision, t)}: ${decisionTail(decision, nowMs, t)}`;
}

/** What was asked for: `enqueue chain_state_monitor [mainnet]`. */
export function decisionHead(decision: Decision, t: Translate): string {
  // A stream's key is made of its name: it would say the same twice.
  const key = decision.key?.endsWith(`:${decision.subject}`) === true ? null : decision.key;
  return `${actionWord(decision.action, t)} ${jobLabel({ type: decision.subject, key })}`;
}

/** What a row has room for: of an accepted one, that it was. */
export function decisionShort(decision: Decision, nowMs: number, t: Translate): string {
  return decision.outcome === 'accepted' ? decision.outcome : decisionTail(decision, nowMs, t);
}

/** How it ended and why: the outcome's name as in the logs, then what explains it. */
export function decisionTail(decision: Decision, nowMs: number, t: Translate): string {
  const because = explanation(decision, nowMs, t);
  return because === '' ? decision.outcome : `${decision.outcome}; ${because}`;
}

function explanation(decision: Decision, nowMs: number, t: Translate): string {
  const { survivor, holder, counts, slots } = decision;
  if (decision.outcome === 'accepted') {
    if (slots !== undefined) return slotsPhrase(slots, nowMs, t);
    return decision.jobId === null ? '' : t('job {0}', decision.jobId);
  }
  if (counts !== null && decision.reason === 'concurrency_limit') {
    return t('{0} queued or running, {1} allowed', counts.queuedOrRunning, counts.limit);
  }
  if (survivor !== null && survivor.since !== null) {
    const since = formatClockTime(survivor.since, nowMs);
    return t('job {0} is {1} since {2}', survivor.jobId, survivor.state, since);
  }
  if (survivor !== null) return t('job {0} is {1}', survivor.jobId, survivor.state);
  const reason = reasonPhrase(decision.reason, t);
  if (slots !== undefined) return `${slotsPhrase(slots, nowMs, t)}: ${reason}`;
  if (holder !== null) return t('{0}: held by {1}', reason, describeHolder(holder, t));
  if (decision.until !== null) {
    return t('{0} until {1}', reason, formatClockTime(decision.until, nowMs));
  }
  return reason;
}

function slotsPhrase(
  { count, atLeast, from, to }: NonNullable<Decision['slots']>,
  nowMs: number,
  t: Translate,
): string {
  const [first, last] = [formatClockTime(from, nowMs), formatClockTime(to, nowMs)];
  if (count === 1) return t('slot {0}', first);
  const many = formatCount(count);
  return atLeast
    ? t('{0} slots or more, {1} to {2}', many, first, last)
    : t('{0} slots, {1} to {2}', many, first, last);
}

function actionWord(action: DecisionAction, t: Translate): string {
  switch (action) {
    case 'enqueue':
      return t('enqueue');
    case 'requeue':
      return t('requeue');
    case 'schedule':
      return t('schedule');
    case 'execute':
      return t('execute');
    case 'start_stream':
      return t('start stream');
    case 'stop_stream':
      return t('stop stream');
    case 'restart_stream':
      return t('restart stream');
    case 'resume_stream':
      return t('resume stream');
    case 'rotate_stream':
      return t('rotate stream');
    case 'change_symbols':
      return t('change symbols of');
    case 'pause_schedule':
      return t('pause schedule');
    case 'resume_schedule':
      return t('resume schedule');
    case 'skip_slot':
      return t('skip the next slot of');
    case 'gap':
      return t('gap in');
    case 'release':
      return t('release');
    case 'takeover':
      return t('take over');
    case 'reap':
      return t('remove what is left of');
    case 'drain':
      return t('empty queue');
    case 'stall':
      return t('stalled');
    default:
      return assertNever(action);
  }
}

/** The rule that decided, in words. */
export function reasonPhrase(reason: DecisionReason, t: Translate): string {
  switch (reason) {
    case 'within_limits':
      return t('within its limits');
    case 'unique_key':
      return t('another job has this key');
    case 'higher_priority':
      return t('a waiting job of a lower priority gave its place');
    case 'concurrency_limit':
      return t('as many as allowed are queued or running');
    case 'concurrent_execution_detected':
      return t('another run of it was found right before execution');
    case 'slot_taken':
      return t('this slot is enqueued already');
    case 'not_due':
      return t('not due yet');
    case 'slot_missed':
      return t('no scheduler was there in time');
    case 'skipped_by_person':
      return t('a person asked to skip it');
    case 'schedule_paused':
      return t('the schedule is paused');
    case 'not_paused':
      return t('the schedule is not paused');
    case 'outside_hours':
      return t('outside its hours');
    case 'role_forbids':
      return t("this agent's role does not do that");
    case 'lease_held':
      return t('its lock is taken');
    case 'lease_lost':
      return t('its lock was lost');
    case 'lock_not_renewed':
      return t('its worker, outside Interlock, did not renew its lock');
    case 'holder_dead':
      return t('the holder of its lock has ended');
    case 'holder_alive':
      return t('its holder is alive');
    case 'orphaned':
      return t('it belonged to nobody any more');
    case 'released_by_person':
      return t('a person released it');
    case 'drained_by_person':
      return t('a person emptied it');
    case 'not_suspended':
      return t('it is not suspended');
    case 'max_symbols':
      return t('the stream has as many symbols as it may have');
    case 'ticks_missing':
      return t('ticks are missing');
    case 'ticks_dropped':
      return t('ticks were dropped');
    case 'not_running':
      return t('it is not running');
    case 'unknown_type':
      return t('there is no such job type');
    case 'invalid_payload':
      return t('its payload is not valid');
    default:
      return assertNever(reason);
  }
}

/** `chain_state_monitor [mainnet] · already_running`; empty when all are shown. */
export function describeFilter(filter: DecisionFilter): string {
  const { subject = '', key, outcome } = filter;
  return joined([key === undefined ? subject : `${subject} [${key}]`.trim(), outcome ?? '']);
}

/** How much a person should care. */
export function outcomeTone(outcome: DecisionOutcome): 'good' | 'calm' | 'bad' {
  switch (outcome) {
    case 'accepted':
      return 'good';
    case 'already_queued':
    case 'already_running':
    case 'skipped':
    case 'replaced':
    case 'rescheduled':
      return 'calm';
    case 'refused':
      return 'bad';
    default:
      return assertNever(outcome);
  }
}
