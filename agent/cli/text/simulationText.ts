import type { SimulateDuplicatesResult } from '../../protocol/api.ts';
import type { Style } from './style.ts';
import { formatCount, plural, renderTable } from './table.ts';

/** What a race came to: the figures, and what they mean. */
export function simulationText(results: SimulateDuplicatesResult[], style: Style): string {
  const table = renderTable(
    results,
    [
      { title: 'job type', value: (row) => row.jobType },
      { title: 'attempts', value: (row) => formatCount(row.attempts), align: 'right' },
      { title: 'accepted', value: (row) => formatCount(row.accepted), align: 'right' },
      { title: 'refused', value: refusedText, align: 'right' },
      { title: 'runs', value: (row) => formatCount(row.runs), align: 'right' },
      { title: 'most at one time', value: (row) => String(row.maxConcurrentRuns), align: 'right' },
      { title: 'ms', value: (row) => formatCount(Math.round(row.ms)), align: 'right' },
    ],
    style,
  );
  return [table, ...results.map((result) => verdict(result, style))].join('\n');
}

function refusedText(result: SimulateDuplicatesResult): string {
  const layers = Object.entries(result.refused.byLayer);
  if (layers.length === 0) return '0';
  return layers.map(([layer, count]) => `${formatCount(count)} by ${layer}`).join(', ');
}

function verdict(result: SimulateDuplicatesResult, style: Style): string {
  const race = `${plural(result.processes, 'process', 'processes')} asked ${formatCount(result.attempts)} times for the same key`;
  if (result.naive) {
    return style.warning(
      `${result.jobType}, without protection: ${race}, and ${plural(result.runs, 'run')} followed, up to ${result.maxConcurrentRuns} at one time.`,
    );
  }
  const held = result.accepted === 1 && result.runs === 1 && result.maxConcurrentRuns === 1;
  if (held) return style.good(`${result.jobType}: ${race}, and 1 run followed.`);
  return style.bad(
    `${result.jobType}: ${race}, and ${plural(result.runs, 'run')} followed: the promise was broken.`,
  );
}
