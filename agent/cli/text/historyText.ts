import { formatDuration } from '../../common/duration.ts';
import { runAgeLevel } from '../../protocol/ageLevels.ts';
import type { AgeThresholds, RunRow } from '../../protocol/model.ts';
import { ageText } from './ageText.ts';
import { holderName, utcTime } from './ages.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';

const WHY_COLUMNS = 60;

/** Runs as a table. @param total how many match in all; rows are the first of them */
export function historyText(
  rows: RunRow[],
  total: number,
  thresholds: AgeThresholds,
  style: Style,
): string {
  if (rows.length === 0) return 'No run matches.';
  const table = renderTable(
    rows,
    [
      { title: 'started', value: (row) => utcTime(row.startedAt) },
      { title: 'took', value: (row) => tookText(row, thresholds, style), align: 'right' },
      { title: 'status', value: (row) => runStatusText(row.status, style) },
      { title: 'what', value: whatText },
      { title: 'worker', value: (row) => holderName(row.worker) },
      { title: 'schedule', value: (row) => row.schedule ?? '-' },
      { title: 'fence', value: (row) => String(row.fence ?? '-'), align: 'right' },
      { title: 'why', value: (row) => whyText(row.error) },
    ],
    style,
  );
  const more = total - rows.length;
  if (more <= 0) return table;
  return `${table}\n${style.quiet(`and ${more} more; --limit and --offset show them`)}`;
}

export function runStatusText(status: RunRow['status'], style: Style): string {
  switch (status) {
    case 'running':
    case 'completed':
      return style.good(status);
    case 'skipped':
    case 'returned':
      return style.warning(status);
    case 'failed':
    case 'lost':
      return style.bad(status);
  }
}

function tookText(row: RunRow, thresholds: AgeThresholds, style: Style): string {
  if (row.status !== 'running') return formatDuration(row.durationMs);
  return ageText(row.durationMs, runAgeLevel(row.durationMs, thresholds), style);
}

function whatText({ type, key }: RunRow): string {
  return key === null || key === '*' ? type : `${type} [${key}]`;
}

function whyText(error: string | null): string {
  const line = error?.split('\n')[0] ?? '';
  return line.length <= WHY_COLUMNS ? line : `${line.slice(0, WHY_COLUMNS - 1)}…`;
}
