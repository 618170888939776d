import { assertNever } from '../../common/assertNever.ts';
import { formatDuration } from '../../common/duration.ts';
import type { LeaderRow, ScheduleRow } from '../../protocol/model.ts';
import { ago, until } from './ages.ts';
import type { Style } from './style.ts';
import { formatCount, renderTable } from './table.ts';

/** Leaders that are named below the table. */
const LEADERS_NAMED = 3;

/** @param leaders newest first; who was the scheduler stands below the table */
export function schedulesText(
  rows: ScheduleRow[],
  leaders: readonly LeaderRow[],
  nowMs: number,
  style: Style,
): string {
  if (rows.length === 0) {
    return 'No schedule is declared. Add one under "schedules" in interlock.config.json.';
  }
  const table = renderTable(
    rows,
    [
      { title: 'schedule', value: (row) => row.name },
      { title: 'job', value: (row) => row.job },
      {
        title: 'rule',
        value: (row) => `${row.rule}${row.timezone === null ? '' : ` ${row.timezone}`}`,
      },
      { title: 'next', value: (row) => nextText(row, nowMs) },
      { title: 'last', value: (row) => ago(row.lastSlotAt, nowMs) },
      { title: 'came to', value: (row) => row.lastOutcome?.replaceAll('_', ' ') ?? '-' },
      { title: 'by', value: (row) => (row.outside === undefined ? (row.lastBy ?? '-') : 'BullMQ') },
      { title: 'missed', value: (row) => formatCount(row.missedSlots) },
    ],
    style,
  );
  const notes = [
    ...rows.flatMap((row) => intervalLine(row) ?? stuckSentence(row) ?? []),
    ...leaders.slice(0, LEADERS_NAMED).map((leader) => leaderLine(leader, nowMs)),
  ];
  return notes.length === 0 ? table : [table, '', ...notes].join('\n');
}

/** Every leader that is remembered, newest first. */
export function leadersText(leaders: readonly LeaderRow[], nowMs: number): string {
  if (leaders.length === 0) return 'Nobody has been the scheduler yet.';
  return leaders.map((leader) => leaderLine(leader, nowMs)).join('\n');
}

/** `in 12 s`, `paused`, `skipped, then in 2 min`, `stuck`. */
function nextText(row: ScheduleRow, nowMs: number): string {
  const { pausedAt, nextSlotAt, skipSlotAt, outside } = row;
  if (pausedAt !== null) return `paused ${ago(pausedAt, nowMs)}`;
  if (outside !== undefined && nextSlotAt === null)
    return outside.state === 'waits' ? 'its job waits' : outside.state;
  const next = until(nextSlotAt, nowMs);
  return skipSlotAt === null ? next : `skipped, then ${next}`;
}

/** Why a schedule of another program makes no job any more, and what to do, without the last dot. */
export function stuckLine({ name, outside }: ScheduleRow): string | undefined {
  if (outside?.state !== 'stuck') return undefined;
  return `${name} is stuck: the job of its last slot is gone, and BullMQ makes the next one when a worker takes that one. Its program has to call upsertJobScheduler again`;
}

function stuckSentence(row: ScheduleRow): string | undefined {
  const line = stuckLine(row);
  return line === undefined ? undefined : `${line}.`;
}

/** What a dynamic interval is now, and why. */
function intervalLine({ name, interval }: ScheduleRow): string | undefined {
  if (interval === null) return undefined;
  const { nowMs, runMs, runs } = interval;
  const why =
    runMs === null
      ? 'no run is measured yet'
      : `runs take ${formatDuration(runMs)} (mean of ${runs}), 10 times that within its bounds`;
  return `${name} comes every ${formatDuration(nowMs)} now: ${why}.`;
}

function leaderLine(leader: LeaderRow, nowMs: number): string {
  const { host, pid } = leader.holder;
  const who = `${host}:${pid}, fence ${leader.fence}`;
  const lastedMs = Date.parse(leader.until ?? '') - Date.parse(leader.since);
  const lasted = Number.isNaN(lastedMs) ? '' : ` after ${formatDuration(lastedMs)}`;
  switch (leader.end) {
    case 'holds':
      return `Scheduler: ${who}, for ${formatDuration(nowMs - Date.parse(leader.since))}.`;
    case 'released':
      return `Before: ${who}, which gave it back ${ago(leader.until, nowMs)}${lasted}.`;
    case 'died':
      return `Before: ${who}, which died${lasted}.`;
    case 'lost':
      return `Before: ${who}, which lost it${lasted}.`;
    default:
      return assertNever(leader.end);
  }
}
