import { assertNever } from '../../agent/common/assertNever.ts';
import { formatDuration } from '../../agent/common/duration.ts';
import type { LeaderRow, ScheduleRow } from '../../agent/protocol/model.ts';
import { formatAge, formatClockTime, formatCount, formatCountdown } from './age.ts';
import { reasonPhrase } from './decisionText.ts';
import { joined } from './jobText.ts';
import type { Translate } from './translate.ts';

type Outside = NonNullable<ScheduleRow['outside']>;

/** `in 12 s · every 30s · last: accepted`. */
export function describeSchedule(schedule: ScheduleRow, nowMs: number, t: Translate): string {
  const { interval, pausedAt, skipSlotAt, lastOutcome, missedSlots, outside } = schedule;
  const willSkip = skipSlotAt !== null && Date.parse(skipSlotAt) > nowMs && pausedAt === null;
  return joined([
    whenNext(schedule, nowMs, t),
    interval === null ? schedule.rule : t('every {0} now', formatDuration(interval.nowMs)),
    willSkip ? t('next one skipped') : '',
    lastOutcome === null ? '' : t('last: {0}', lastOutcome),
    missedSlots === 0 ? '' : t('{0} missed', formatCount(missedSlots)),
    outside === undefined ? '' : 'BullMQ',
  ]);
}

/** What a dynamic interval is now, and why. */
export function describeInterval(
  { nowMs, minMs, maxMs, runMs, runs }: NonNullable<ScheduleRow['interval']>,
  t: Translate,
): string {
  const why =
    runMs === null
      ? t('no run is measured yet')
      : t('runs take {0} (mean of {1}), 10 times that', formatRunTime(runMs), runs);
  const bounds = t('at least {0}, at most {1}', formatDuration(minMs), formatDuration(maxMs));
  return `${t('every {0}', formatDuration(nowMs))}: ${why}; ${bounds}`;
}

/** What one of the last slots came to, and who dealt with it. */
export function describeLastSlot(
  { until, count, outcome, reason, by }: ScheduleRow['lastSlots'][number],
  nowMs: number,
  t: Translate,
): string {
  const what = reason === null ? outcome : `${outcome}, ${reasonPhrase(reason, t)}`;
  const told = t('{0}, by {1}', what, by);
  if (until === null) return told;
  return `${t('{0} slots until {1}', formatCount(count), formatClockTime(until, nowMs))}: ${told}`;
}

/** Since when, or until when and how it ended. */
export function describeLeader(leader: LeaderRow, nowMs: number, t: Translate): string {
  const { end, since, until } = leader;
  if (end === 'holds') return t('for {0}', formatAge(since, nowMs));
  const how = endWords(end, t);
  if (until === null) return how;
  const lasted = formatAge(since, Date.parse(until));
  return t('{0} after {1}, at {2}', how, lasted, formatClockTime(until, nowMs));
}

function endWords(end: Exclude<LeaderRow['end'], 'holds'>, t: Translate): string {
  switch (end) {
    case 'released':
      return t('gave it back');
    case 'died':
      return t('died');
    case 'lost':
      return t('lost it');
    default:
      return assertNever(end);
  }
}

function whenNext(schedule: ScheduleRow, nowMs: number, t: Translate): string {
  const { pausedAt, nextSlotAt, outside } = schedule;
  if (pausedAt !== null) return t('paused for {0}', formatAge(pausedAt, nowMs));
  if (nextSlotAt !== null) return formatCountdown(nextSlotAt, nowMs, t);
  return outside === undefined ? '' : outsideWords(outside.state, t);
}

function outsideWords(state: Outside['state'], t: Translate): string {
  switch (state) {
    case 'scheduled':
      return '';
    case 'waits':
      return t('its job waits');
    case 'stuck':
      return t('stuck');
    case 'ended':
      return t('ended');
    default:
      return assertNever(state);
  }
}

/** Whole seconds, but for what is shorter than one. */
function formatRunTime(ms: number): string {
  return formatDuration(ms < 1_000 ? ms : Math.round(ms / 1_000) * 1_000);
}
