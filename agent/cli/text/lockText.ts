import { formatDuration } from '../../common/duration.ts';
import { lockAgeLevel } from '../../protocol/ageLevels.ts';
import type { AgeThresholds, LockRow } from '../../protocol/model.ts';
import { ageText } from './ageText.ts';
import { ago, holderName } from './ages.ts';
import type { Style } from './style.ts';
import { formatCount, renderTable } from './table.ts';

export interface LockPage {
  rows: LockRow[];
  /** How many match in all. */
  total: number;
  thresholds: AgeThresholds;
  /** Whether only some were asked for. */
  filtered: boolean;
}

export function locksText(page: LockPage, nowMs: number, style: Style): string {
  const { rows, total, thresholds, filtered } = page;
  if (rows.length === 0) {
    return filtered
      ? 'No lock matches.'
      : 'No lock is held. The scheduler and each running stream take one.';
  }
  const table = renderTable(
    rows,
    [
      { title: 'name', value: (row) => row.name },
      { title: 'kind', value: (row) => row.kind },
      { title: 'state', value: (row) => stateText(row, style) },
      { title: 'holder', value: holderText },
      { title: 'fence', value: (row) => String(row.fence ?? '-'), align: 'right' },
      { title: 'age', value: (row) => lockAgeText(row, thresholds, style), align: 'right' },
      { title: 'renewed', value: (row) => ago(row.renewedAt, nowMs) },
      { title: 'ends in', value: (row) => durationOrDash(row.ttlMs), align: 'right' },
    ],
    style,
  );
  if (rows.length === total) return table;
  const counts = `${formatCount(rows.length)} of ${formatCount(total)} are shown`;
  return `${table}\n${style.quiet(`${counts}: see --limit, --offset, --kind and --search.`)}`;
}

/** One line on who has a lock now. */
export function lockLine(row: LockRow, nowMs: number, style: Style): string {
  const state = row.state === 'held' ? '' : ` (${stateText(row, style)})`;
  const facts = [
    `${row.name} is held by ${row.holder === null && row.job === null ? 'a holder that is not known here' : holderText(row)}${state}`,
    row.ageMs === null ? '' : `for ${formatDuration(row.ageMs)}`,
    row.renewedAt === null ? '' : `renewed ${ago(row.renewedAt, nowMs)}`,
    row.fence === null ? '' : `fence ${row.fence}`,
  ];
  return facts.filter((fact) => fact !== '').join(', ');
}

/** A uniqueness key is held by a job, whoever runs it. */
function holderText(row: LockRow): string {
  return row.holder === null && row.job !== null ? `job ${row.job.id}` : holderName(row.holder);
}

function lockAgeText({ kind, ageMs }: LockRow, thresholds: AgeThresholds, style: Style): string {
  return ageMs === null ? '-' : ageText(ageMs, lockAgeLevel(kind, ageMs, thresholds), style);
}

function durationOrDash(ms: number | null): string {
  return ms === null ? '-' : formatDuration(ms);
}

function stateText(row: LockRow, style: Style): string {
  const text = row.state.replaceAll('_', ' ');
  if (row.state === 'held') return style.good(text);
  return row.state === 'expiring' || row.state === 'paused' ? style.warning(text) : style.bad(text);
}
