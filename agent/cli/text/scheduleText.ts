import type { ScheduleRow } from '../../protocol/model.ts';
import { ago, until } from './ages.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';

export function schedulesText(rows: ScheduleRow[], nowMs: number, style: Style): string {
  if (rows.length === 0) {
    return 'No schedule is declared. Add one under "schedules" in interlock.config.json.';
  }
  return renderTable(
    rows,
    [
      { title: 'schedule', value: (row) => row.name },
      { title: 'job', value: (row) => row.job },
      {
        title: 'rule',
        value: (row) => `${row.rule}${row.timezone === null ? '' : ` ${row.timezone}`}`,
      },
      { title: 'next', value: (row) => until(row.nextSlotAt, nowMs) },
      { title: 'last', value: (row) => ago(row.lastSlotAt, nowMs) },
      { title: 'came to', value: (row) => row.lastOutcome?.replaceAll('_', ' ') ?? '-' },
      { title: 'by', value: (row) => row.lastBy ?? '-' },
    ],
    style,
  );
}
