import { formatDuration } from '../../common/duration.ts';
import type { Statistics } from '../statistics/gatherStatistics.ts';
import { MUCH_FAILED } from '../statistics/standsOut.ts';
import type { Spread, TypeStatistics } from '../statistics/typeStatistics.ts';
import { utcTime } from './ages.ts';
import { countsText } from './monitorText.ts';
import type { Style } from './style.ts';
import { formatCount, renderTable } from './table.ts';

/** A table of job types, what stands out, and how far back the record goes. */
export function statisticsText(statistics: Statistics, style: Style): string {
  const { types, runsFrom, decisionsFrom } = statistics;
  if (types.length === 0) return 'No run ended and no job was refused in that time.';
  const table = renderTable(
    types,
    [
      { title: 'job type', value: ({ type }) => type },
      { title: 'runs', value: ({ runs }) => formatCount(runs), align: 'right' },
      { title: 'per hour', value: ({ runsPerHour }) => perHourText(runsPerHour), align: 'right' },
      { title: 'busy', value: ({ busy }) => busy.toFixed(2), align: 'right' },
      { title: 'failed', value: (row) => failedText(row, style), align: 'right' },
      { title: 'run 50/95/100 %', value: ({ runMs }) => spreadText(runMs) },
      { title: 'wait 50/95/100 %', value: ({ waitedMs }) => spreadText(waitedMs) },
      { title: 'refused', value: (row) => style.warning(refusedText(row)) },
    ],
    style,
  );
  const known = [
    ...(runsFrom === null ? [] : [`Runs are known since ${utcTime(runsFrom)} UTC.`]),
    ...(decisionsFrom === null ? [] : [`Refusals are known since ${utcTime(decisionsFrom)} UTC.`]),
  ].join(' ');
  return [
    table,
    ...(statistics.standsOut.length === 0 ? [] : ['', ...statistics.standsOut]),
    ...(known === '' ? [] : ['', style.quiet(known)]),
  ].join('\n');
}

function perHourText(count: number): string {
  return count >= 10 ? formatCount(Math.round(count)) : count.toFixed(1);
}

function failedText({ failedShare }: TypeStatistics, style: Style): string {
  if (failedShare === null) return '-';
  const text = `${(failedShare * 100).toFixed(failedShare > 0 && failedShare < 0.1 ? 1 : 0)} %`;
  return failedShare >= MUCH_FAILED ? style.bad(text) : text;
}

function spreadText(spread: Spread | null): string {
  if (spread === null) return '-';
  return [spread.p50, spread.p95, spread.max].map(formatDuration).join(' / ');
}

/** `12 unique_key (mainnet 9)`: the most frequent reason first, and the key that asked most often. */
function refusedText({ refusals, keys }: TypeStatistics): string {
  const text = countsText(refusals);
  const [most] = keys;
  return most === undefined || most.what === '*'
    ? text
    : `${text} (${most.what} ${formatCount(most.count)})`;
}
