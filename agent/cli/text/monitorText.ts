import { formatDuration } from '../../common/duration.ts';
import type { MonitorRow } from '../gatherMonitor.ts';
import { ageText } from './ageText.ts';
import { ago, until } from './ages.ts';
import { runStatusText } from './historyText.ts';
import type { Style } from './style.ts';
import { formatCount, renderTable } from './table.ts';

export function monitorText(rows: MonitorRow[], nowMs: number, style: Style): string {
  if (rows.length === 0) {
    return 'No job type is declared. Add one under "jobs" in interlock.config.json.';
  }
  // What matters most comes first: a narrow terminal cuts the rest.
  return renderTable(
    rows,
    [
      { title: 'job type', value: (row) => row.type },
      { title: 'queued', value: queuedText, align: 'right' },
      { title: 'running', value: (row) => formatCount(row.running), align: 'right' },
      { title: 'limit', value: (row) => limitText(row, style), align: 'right' },
      { title: 'oldest run', value: (row) => oldestText(row, style) },
      { title: 'last run', value: (row) => lastRunText(row, nowMs, style) },
      { title: 'next slot', value: (row) => until(row.nextSlotAt, nowMs) },
      { title: 'refused', value: (row) => style.warning(countsText(row.refusals)) },
      { title: 'accepted', value: (row) => formatCount(row.accepted), align: 'right' },
      { title: 'ended', value: (row) => countsText(row.runs) },
    ],
    style,
  );
}

function queuedText({ queued, queuedAtLeast }: MonitorRow): string {
  return `${formatCount(queued)}${queuedAtLeast ? '+' : ''}`;
}

/** Full: the next one is refused. */
function limitText({ limit, queued, running }: MonitorRow, style: Style): string {
  if (limit === null) return '-';
  const text = formatCount(limit);
  return queued + running >= limit ? style.warning(`${text} full`) : text;
}

function oldestText({ oldestRunMs, oldestRunLevel }: MonitorRow, style: Style): string {
  return oldestRunMs === null ? '-' : ageText(oldestRunMs, oldestRunLevel, style);
}

function lastRunText({ lastRun }: MonitorRow, nowMs: number, style: Style): string {
  if (lastRun === null) return '-';
  const { status, endedAt, durationMs } = lastRun;
  return `${runStatusText(status, style)} ${ago(endedAt, nowMs)}, took ${formatDuration(durationMs)}`;
}

/** `3 unique_key, 1 concurrency_limit`, the most frequent first. */
export function countsText(counts: Record<string, number>): string {
  const entries = Object.entries(counts).sort(([, a], [, b]) => b - a);
  return entries.map(([name, count]) => `${formatCount(count)} ${name}`).join(', ');
}
