import { formatDuration } from '../../common/duration.ts';
import type { LockRow } from '../../protocol/model.ts';
import { ago, holderName } from './ages.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';

export function locksText(rows: LockRow[], nowMs: number, style: Style): string {
  if (rows.length === 0) return 'No lock is held. The scheduler and each running stream take one.';
  return renderTable(
    rows,
    [
      { title: 'name', value: (row) => row.name },
      { title: 'kind', value: (row) => row.kind },
      { title: 'state', value: (row) => stateText(row, style) },
      { title: 'holder', value: (row) => holderName(row.holder) },
      { title: 'fence', value: (row) => String(row.fence ?? '-'), align: 'right' },
      { title: 'age', value: (row) => formatDuration(row.ageMs), align: 'right' },
      { title: 'renewed', value: (row) => ago(row.renewedAt, nowMs) },
      { title: 'ends in', value: (row) => formatDuration(row.ttlMs), align: 'right' },
    ],
    style,
  );
}

function stateText(row: LockRow, style: Style): string {
  const text = row.state.replaceAll('_', ' ');
  if (row.state === 'held') return style.good(text);
  return row.state === 'expiring' ? style.warning(text) : style.bad(text);
}
