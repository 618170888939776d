import { assertNever } from '../../common/assertNever.ts';
import { formatDuration } from '../../common/duration.ts';
import type { Decision, DecisionAction, DecisionReason, Stall } from '../../protocol/decision.ts';
import { holderName } from './ages.ts';
import type { Style } from './style.ts';
import { formatCount, plural } from './table.ts';

/** What was asked for, when it was done and when it was not. */
const VERBS: Record<DecisionAction, [done: string, refused: string]> = {
  enqueue: ['Enqueued', 'enqueue'],
  requeue: ['Requeued', 'requeue'],
  schedule: ['Enqueued the slot of', 'enqueue the slot of'],
  execute: ['Ran', 'run'],
  start_stream: ['Started stream', 'start stream'],
  stop_stream: ['Stopped stream', 'stop stream'],
  restart_stream: ['Restarted stream', 'restart stream'],
  resume_stream: ['Resumed stream', 'resume stream'],
  rotate_stream: ['Rotated stream', 'rotate stream'],
  change_symbols: ['Changed the symbols of', 'change the symbols of'],
  pause_schedule: ['Paused schedule', 'pause schedule'],
  resume_schedule: ['Resumed schedule', 'resume schedule'],
  skip_slot: ['Will skip the next slot of', 'skip the next slot of'],
  gap: ['Ticks are missing in', 'find ticks missing in'],
  release: ['Released the lock', 'release the lock'],
  takeover: ['Took over', 'take over'],
  reap: ['Removed what was left of', 'remove what is left of'],
  drain: ['Emptied queue', 'empty queue'],
  stall: ['Put back', 'go on with'],
};

/**
 * A decision as a sentence: how it ended, who is there already, since when, and by which rule. What
 * there is to do follows on a line of its own. Ages are those of the moment of the decision.
 */
export function decisionText(decision: Decision, nowMs: number, style: Style): string {
  const { reason, remedy } = decision;
  const rule = reason === 'within_limits' ? '' : ` (rule: ${reason})`;
  const lines = [`${sentence(decision, nowMs, style)}${rule}.`];
  if (remedy !== null) lines.push(style.quiet(remedy));
  return lines.join('\n');
}

/** Many decisions: what came out, then each kind of refusal once. */
export function decisionsText(decisions: Decision[], nowMs: number, style: Style): string {
  const counts = new Map<string, number>();
  for (const { outcome } of decisions) counts.set(outcome, (counts.get(outcome) ?? 0) + 1);
  const summary = [...counts]
    .map(([outcome, count]) => `${count} ${outcome.replaceAll('_', ' ')}`)
    .join(', ');
  const lines = [`${plural(decisions.length, 'decision')}: ${summary}.`];
  const told = new Set<string>();
  for (const decision of decisions) {
    if (told.has(decision.outcome)) continue;
    told.add(decision.outcome);
    lines.push(decisionText(decision, nowMs, style));
  }
  return lines.join('\n');
}

function sentence(decision: Decision, nowMs: number, style: Style): string {
  const { outcome, action, jobId, survivor } = decision;
  const [done, refused] = VERBS[action];
  const about = subjectText(decision);
  const why = `${because(decision)}${untilText(decision, nowMs)}`;
  const job = jobId === null ? '' : `job ${jobId}`;
  if (action === 'stall') return stallText(decision, style);
  switch (outcome) {
    case 'accepted':
      return action === 'release'
        ? `${style.good(done)} ${about}${joined(acceptedBecause(decision))}`
        : `${style.good(done)} ${about}${joined(job, acceptedBecause(decision))}`;
    case 'already_queued':
    case 'already_running': {
      const already = style.warning(outcome.replaceAll('_', ' '));
      if (action === 'enqueue') return `${about} is ${already}: ${why}`;
      if (action === 'start_stream') return `Stream ${about} is ${already}: ${why}`;
      return `Did not ${refused} ${about}, which is ${already}: ${why}`;
    }
    case 'skipped': {
      if (isControl(action)) return `Did not ${refused} ${about}: ${why}`;
      if (decision.slots !== undefined)
        return `${style.warning('Skipped')} ${slotsText(decision.slots)} of ${about}: ${why}`;
      const own = job === '' || jobId === survivor?.jobId ? '' : `${job} of `;
      return `${style.warning('Skipped')} ${own}${about}: ${why}`;
    }
    case 'replaced':
      return `${style.warning('Replaced')} ${about}: ${replacedText(decision)}`;
    case 'rescheduled':
      return `${style.warning('Rescheduled')} ${about}: ${job || 'it'} runs next, because ${why}`;
    case 'refused':
      return `${style.bad(`Refused to ${refused}`)} ${about}: ${why}`;
    default:
      return assertNever(outcome);
  }
}

/** `Stalled: job 7 of sync (mainnet), which was started again: its worker … did not renew its lock`. */
function stallText(decision: Decision, style: Style): string {
  const { jobId, stall, reason } = decision;
  const next = stall === undefined ? '' : `, ${STALL_ENDS[stall.next]}`;
  return `${style.bad('Stalled')}: job ${jobId ?? '?'} of ${subjectText(decision)}${next}: ${REASONS[reason]}`;
}

const STALL_ENDS: Record<Stall['next'], string> = {
  waits: 'which waits to be started again',
  started: 'which was started again',
  failed: 'which failed, because it stalled too often',
  removed: 'which was removed since',
};

/** `sync (mainnet)`; a stream's key is made of its name and would say the same twice. */
function subjectText({ action, subject, key, jobId }: Decision): string {
  const tells = key !== null && key !== '' && key !== '*' && !key.endsWith(`:${subject}`);
  const text = tells ? `${subject} (${key})` : subject;
  if (action !== 'release') return text;
  // A lock is called by its own name, or by what it protects.
  if (subject.includes(':')) return text;
  return jobId === null ? `of ${text}` : `of job ${jobId} of ${text}`;
}

function isControl(action: DecisionAction): boolean {
  return action === 'pause_schedule' || action === 'resume_schedule' || action === 'skip_slot';
}

/** `the slot at 2026-01-31T09:15:00.000Z`, `3 slots from … to …`. */
function slotsText({ count, atLeast, from, to }: NonNullable<Decision['slots']>): string {
  if (count === 1) return `the slot at ${from}`;
  return `${formatCount(count)}${atLeast ? ' slots or more' : ' slots'} from ${from} to ${to}`;
}

function acceptedBecause(decision: Decision): string {
  const { reason, holder, slots } = decision;
  if (slots !== undefined) return slotsText(slots);
  if (reason === 'within_limits') return '';
  if (reason === 'holder_dead' && decision.action === 'release' && holder !== null)
    return `its holder ${holder.host}:${holder.pid} has ended`;
  return REASONS[reason];
}

function replacedText({ reason, jobId, survivor }: Decision): string {
  if (reason === 'higher_priority' && survivor !== null)
    return `job ${jobId ?? '?'} took the place of job ${survivor.jobId}, which waited with a lower priority`;
  return `job ${survivor?.jobId ?? jobId ?? '?'}, which waits, took the new payload`;
}

/** Why not. */
function because(decision: Decision): string {
  const { survivor, holder, reason, counts } = decision;
  const there = survivorText(decision);
  if (reason === 'concurrency_limit' && counts !== null) {
    const { queuedOrRunning, limit } = counts;
    const most = `at most ${limit} may be queued or running`;
    if (there === '') return most;
    return queuedOrRunning > 1
      ? `${queuedOrRunning} are queued or running, ${there}, and ${most}`
      : `${there} and ${most}`;
  }
  if (reason === 'concurrent_execution_detected' && there !== '')
    return `the last check before the run found that ${there}`;
  if (survivor !== null && (reason === 'unique_key' || reason === 'lease_held')) return there;
  if (there !== '') return `${REASONS[reason]}, and ${there}`;
  if (holder === null) return REASONS[reason];
  if (reason === 'holder_alive') {
    const alive = holder.alive === true ? 'is alive' : 'may be alive: it is on another host';
    return `its holder ${holder.host}:${holder.pid} ${alive}`;
  }
  return `${REASONS[reason]}, held by ${holderName(holder)}`;
}

/** `job j1 has been running for 2 min on devbox:123`. */
function survivorText({ action, survivor, holder, at }: Decision): string {
  if (survivor === null) return '';
  const sinceMs = survivor.since === null ? NaN : Date.parse(at) - Date.parse(survivor.since);
  const age = Number.isNaN(sinceMs) ? '' : ` for ${formatDuration(sinceMs)}`;
  const where = holder === null ? '' : ` on ${holderName(holder)}`;
  const isStream = action.endsWith('_stream');
  return `${isStream ? 'it' : `job ${survivor.jobId}`} ${doing(survivor.state, age)}${where}`;
}

function doing(state: string, age: string): string {
  switch (state) {
    case 'active':
    case 'running':
      return age === '' ? 'is running' : `has been running${age}`;
    case 'waiting':
    case 'prioritized':
      return age === '' ? 'is waiting' : `has been waiting${age}`;
    case 'delayed':
      return age === '' ? 'is delayed' : `has been there${age} and is delayed`;
    case 'finished':
      return age === '' ? 'has ended' : `ended${age.replace(' for', '')} before`;
    case 'gone':
    case 'removed':
      return 'had it and is gone';
    default:
      return `is ${state}`;
  }
}

function untilText({ until, reason }: Decision, nowMs: number): string {
  if (until === null) return '';
  const leftMs = Date.parse(until) - nowMs;
  if (leftMs <= 0) return `, which was so until ${formatDuration(-leftMs)} ago`;
  const left = formatDuration(leftMs);
  return reason === 'unique_key'
    ? `, and the key is kept for another ${left}`
    : `, which is so for another ${left}`;
}

function joined(...parts: string[]): string {
  const told = parts.filter((part) => part !== '');
  return told.length === 0 ? '' : `: ${told.join(', ')}`;
}

/** The rule that decided, in words. */
const REASONS: Record<DecisionReason, string> = {
  within_limits: 'within its limits',
  unique_key: 'another job has this key',
  higher_priority: 'a waiting job of a lower priority gave its place',
  concurrency_limit: 'as many as allowed are queued or running',
  concurrent_execution_detected: 'another run was found right before it started',
  slot_taken: 'this slot is enqueued already',
  not_due: 'it is not due yet',
  slot_missed: 'no scheduler was there in time',
  skipped_by_person: 'a person asked to skip it',
  schedule_paused: 'the schedule is paused',
  not_paused: 'the schedule is not paused',
  outside_hours: 'it is outside its hours',
  role_forbids: "this agent's role does not do that",
  lease_held: 'another has its lock',
  lease_lost: 'its lock was lost',
  lock_not_renewed: 'its worker, outside Interlock, did not renew its lock',
  holder_dead: 'the holder of its lock has ended',
  holder_alive: 'its holder may be alive',
  orphaned: 'it belonged to nobody any more',
  released_by_person: 'a person asked for it',
  drained_by_person: 'a person asked for it',
  not_running: 'it is not running',
  not_suspended: 'it is not suspended',
  max_symbols: 'the stream has as many symbols as it may have',
  ticks_missing: 'ticks are missing, as their numbers tell',
  ticks_dropped: 'ticks were dropped',
  unknown_type: 'there is no such job type',
  invalid_payload: 'its payload is not valid',
};
