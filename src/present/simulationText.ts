import { formatDuration } from '../../agent/common/duration.ts';
import type { SimulateDuplicatesResult } from '../../agent/protocol/api.ts';
import { formatCount } from './age.ts';
import { textTable } from './textTable.ts';
import type { Translate } from './translate.ts';

/** Whether one key gave one run, in one sentence. */
export function simulationVerdict(result: SimulateDuplicatesResult, t: Translate): string {
  const attempts = formatCount(result.attempts);
  if (result.runs <= 1 && result.maxConcurrentRuns <= 1) {
    return t(
      '{0} attempts from {1} processes at once made {2} run of {3}.',
      attempts,
      result.processes,
      result.runs,
      result.jobType,
    );
  }
  const what = t(
    '{0} attempts from {1} processes at once made {2} runs of {3}, up to {4} at the same time.',
    attempts,
    result.processes,
    formatCount(result.runs),
    result.jobType,
    result.maxConcurrentRuns,
  );
  return result.naive ? `${what} ${t('That is what happens without protection.')}` : what;
}

/** A document that reads well as plain text and as Markdown. */
export function simulationDocument(result: SimulateDuplicatesResult, t: Translate): string {
  const layers = Object.entries(result.refused.byLayer).map(([layer, count]): [string, string] => [
    t('refused by {0}', layer),
    formatCount(count),
  ]);
  const rows: [string, string][] = [
    [t('processes'), formatCount(result.processes)],
    [t('attempts'), formatCount(result.attempts)],
    [t('accepted'), formatCount(result.accepted)],
    ...layers,
    [t('runs'), formatCount(result.runs)],
    [t('most runs at one time'), formatCount(result.maxConcurrentRuns)],
    [t('took'), formatDuration(result.ms)],
  ];
  const mode = result.naive ? t('naive, without protection') : t('protected');
  return [
    `# ${t('Simulated duplicates: {0} ({1})', result.jobType, mode)}`,
    '',
    simulationVerdict(result, t),
    '',
    ...textTable([t('figure'), t('value')], rows, [1]),
    '',
  ].join('\n');
}
