import { assertNever } from '../../agent/common/assertNever.ts';
import { formatDuration } from '../../agent/common/duration.ts';
import type { RunRow } from '../../agent/protocol/model.ts';
import { formatClockTime, formatCount } from './age.ts';
import { firstLine, jobLabel } from './jobText.ts';
import { textTable } from './textTable.ts';
import type { Translate } from './translate.ts';

/**
 * The run history as a table.
 * @param shown what was asked for, in words: `running for longer than 10 min`
 */
export function runsDocument(
  { rows, total }: { rows: readonly RunRow[]; total: number },
  shown: string,
  nowMs: number,
  t: Translate,
): string {
  const title = `# ${t('Run history: {0}', shown)}`;
  if (rows.length === 0) return [title, '', t('No run is like that.'), ''].join('\n');
  const count =
    rows.length < total
      ? t('{0} of {1} runs.', formatCount(rows.length), formatCount(total))
      : t('{0} runs.', formatCount(total));
  const head = [
    ...[t('started'), t('took'), t('status'), t('job type'), t('job'), t('attempt')],
    ...[t('worker'), t('schedule'), t('fence'), t('why')],
  ];
  const table = textTable(
    head,
    rows.map((run) => runCells(run, nowMs, t)),
    [1, 5, 8],
  );
  return [title, '', count, '', ...table, ''].join('\n');
}

function runCells(run: RunRow, nowMs: number, t: Translate): string[] {
  const { worker } = run;
  return [
    formatClockTime(run.startedAt, nowMs),
    formatDuration(run.durationMs),
    runStatusName(run.status, t),
    jobLabel(run),
    `${run.queue}/${run.jobId}`,
    String(run.attempt),
    worker === null ? '' : `${worker.host}:${worker.pid}`,
    run.schedule ?? '',
    run.fence === null ? '' : String(run.fence),
    firstLine(run.error ?? ''),
  ];
}

export function runStatusName(status: RunRow['status'], t: Translate): string {
  switch (status) {
    case 'running':
      return t('running');
    case 'completed':
      return t('completed');
    case 'failed':
      return t('failed');
    case 'skipped':
      return t('skipped');
    case 'lost':
      return t('lost');
    case 'returned':
      return t('given back');
    default:
      return assertNever(status);
  }
}
