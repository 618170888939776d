import type { SimulateDuplicatesResult } from '../../protocol/api.ts';
import type { JudgedRace, RaceBounds } from '../../simulate/raceBounds.ts';
import type { Style } from './style.ts';
import { formatCount, plural, renderTable } from './table.ts';

/** Not refused by a rule, but taken into another job's place, or put behind it. */
const CHANGES = new Set(['replaced', 'rescheduled']);

/** What a race came to: the figures, and what they mean. */
export function simulationText(races: JudgedRace[], style: Style): string {
  const table = renderTable(
    races.map(({ result }) => result),
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
  return [table, ...races.map((race) => verdict(race, style))].join('\n');
}

function refusedText(result: SimulateDuplicatesResult): string {
  const layers = Object.entries(result.refused.byLayer);
  if (layers.length === 0) return '0';
  return layers
    .map(([layer, count]) => `${formatCount(count)} ${CHANGES.has(layer) ? '' : 'by '}${layer}`)
    .join(', ');
}

function verdict({ result, bounds, held }: JudgedRace, style: Style): string {
  const race = `${plural(result.processes, 'process', 'processes')} asked ${formatCount(result.attempts)} times for the same key`;
  const followed = `${plural(result.runs, 'run')} followed`;
  const atOnce = result.runs > 1 ? `, up to ${result.maxConcurrentRuns} at one time` : '';
  if (result.naive) {
    return style.warning(
      `${result.jobType}, without protection: ${race}, and ${followed}${atOnce}.`,
    );
  }
  if (held) return style.good(`${result.jobType}: ${race}, and ${followed}${atOnce}.`);
  return style.bad(
    `${result.jobType}: ${race}, and ${followed}${atOnce}: the promise was broken. Its rules allow ${boundsText(bounds)}.`,
  );
}

/** `1 accepted, 1 to 2 runs, 1 at one time`. */
function boundsText({ accepted, runs, concurrent }: RaceBounds): string {
  const between = ([least, most]: [number, number]) =>
    least === most ? formatCount(least) : `${formatCount(least)} to ${formatCount(most)}`;
  return `${between(accepted)} accepted, ${between(runs)} ${runs[1] === 1 ? 'run' : 'runs'}, ${formatCount(concurrent)} at one time`;
}
