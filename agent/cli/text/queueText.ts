import type { QueueRow } from '../../protocol/model.ts';
import type { Style } from './style.ts';
import { formatCount, renderTable } from './table.ts';

/** How many of its jobs are in a state; the agent leaves out what is zero. */
export function countOf(row: QueueRow, state: keyof QueueRow['counts']): number {
  return row.counts[state];
}

export function queuesText(rows: QueueRow[], style: Style): string {
  if (rows.length === 0) {
    return 'No queue yet. Declare a job type under "jobs" in interlock.config.json.';
  }
  const count = (state: keyof QueueRow['counts']) => (row: QueueRow) =>
    formatCount(countOf(row, state));
  return renderTable(
    rows,
    [
      { title: 'queue', value: (row) => row.name },
      { title: 'state', value: (row) => (row.paused ? style.warning('paused') : 'open') },
      { title: 'waiting', value: count('waiting'), align: 'right' },
      { title: 'active', value: count('active'), align: 'right' },
      { title: 'delayed', value: count('delayed'), align: 'right' },
      { title: 'failed', value: count('failed'), align: 'right' },
      { title: 'completed', value: count('completed'), align: 'right' },
      { title: 'job types', value: (row) => row.jobTypes.join(', ') },
    ],
    style,
  );
}
