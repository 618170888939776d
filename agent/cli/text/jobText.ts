import { formatDuration } from '../../common/duration.ts';
import { outsideWorkerText } from '../../jobs/outsideWorkerText.ts';
import type { JobDetail, JobRow, JobState, OutsideRun } from '../../protocol/model.ts';
import { ago, until } from './ages.ts';
import type { Style } from './style.ts';
import { renderTable } from './table.ts';

const PREVIEW_COLUMNS = 40;
const SHOWN_JSON_CHARACTERS = 1_000;

export function jobsText(rows: JobRow[], nowMs: number, style: Style): string {
  if (rows.length === 0) {
    return 'No job matches. Put one into a queue with "interlock enqueue TYPE".';
  }
  return renderTable(
    rows,
    [
      { title: 'id', value: (row) => row.id },
      { title: 'type', value: (row) => row.type },
      { title: 'queue', value: (row) => row.queue },
      { title: 'state', value: (row) => paintState(row.state, style) },
      { title: 'when', value: (row) => when(row, nowMs) },
      { title: 'tries', value: (row) => `${row.attemptsMade}/${row.maxAttempts}`, align: 'right' },
      { title: 'progress', value: progressText },
      { title: '', value: (row) => cut(row.failedReason ?? row.dataPreview) },
    ],
    style,
  );
}

export function jobText(job: JobDetail, nowMs: number, style: Style): string {
  const fields: [string, string | null][] = [
    ['type', job.type],
    ['queue', job.queue],
    ['state', `${paintState(job.state, style)}, ${when(job, nowMs)}`],
    ['worker', job.outside === undefined ? null : outsideText(job.outside, nowMs)],
    ['key', job.key],
    ['tries', `${job.attemptsMade} of ${job.maxAttempts}`],
    ['progress', progressText(job) || null],
    ['data', shortJson(job.data)],
    ['result', job.result === null || job.result === undefined ? null : shortJson(job.result)],
    ['failed', job.failedReason === null ? null : style.bad(job.failedReason)],
  ];
  const lines = [style.heading(`Job ${job.id}`)];
  for (const [name, value] of fields) {
    if (value !== null) lines.push(`  ${style.quiet(name.padEnd(9))} ${value}`);
  }
  const stack = job.stacktrace.at(-1);
  if (stack !== undefined) lines.push('', style.quiet('Stack'), indent(stack));
  if (job.logs.length > 0) lines.push('', style.quiet('Log'), indent(job.logs.join('\n')));
  return lines.join('\n');
}

/** What a person wants to know of time, by state. */
export function when(row: JobRow, nowMs: number): string {
  switch (row.state) {
    case 'active':
      return `runs for ${durationSince(row.startedAt, nowMs)}${row.outside === undefined ? '' : ' outside Interlock'}`;
    case 'completed':
    case 'failed':
      return `${ago(row.finishedAt, nowMs)}${tookText(row)}`;
    case 'delayed':
      return `due ${until(row.dueAt, nowMs)}`;
    case 'waiting':
    case 'prioritized':
    case 'waiting-children':
      return `waits for ${durationSince(row.createdAt, nowMs)}`;
  }
}

export function progressText(row: Pick<JobRow, 'progress'>): string {
  const { progress } = row;
  if (progress === null || progress === undefined || progress === 0) return '';
  if (typeof progress === 'number') return `${Math.round(progress)} %`;
  return cut(typeof progress === 'string' ? progress : JSON.stringify(progress));
}

/** `worker "billing" (127.0.0.1:51234), not started by Interlock; its lock ends in 12 s unless renewed`. */
function outsideText({ worker, address, lockEndsAt }: OutsideRun, nowMs: number): string {
  const lock =
    lockEndsAt === null ? '' : `; its lock ends ${until(lockEndsAt, nowMs)} unless it is renewed`;
  return `${outsideWorkerText(worker, address)}, not started by Interlock${lock}`;
}

function tookText(row: JobRow): string {
  if (row.startedAt === null || row.finishedAt === null) return '';
  return `, took ${formatDuration(Date.parse(row.finishedAt) - Date.parse(row.startedAt))}`;
}

function durationSince(iso: string | null, nowMs: number): string {
  return iso === null ? '-' : formatDuration(nowMs - Date.parse(iso));
}

function paintState(state: JobState, style: Style): string {
  if (state === 'failed') return style.bad(state);
  if (state === 'active') return style.good(state);
  return state;
}

function cut(text: string): string {
  const line = text.split('\n')[0] ?? '';
  return line.length <= PREVIEW_COLUMNS ? line : `${line.slice(0, PREVIEW_COLUMNS - 1)}…`;
}

/** A payload may be megabytes: a terminal is no place for them. */
function shortJson(value: unknown): string {
  const json = JSON.stringify(value ?? null);
  if (json.length <= SHOWN_JSON_CHARACTERS) return json;
  return `${json.slice(0, SHOWN_JSON_CHARACTERS)}… (all of it with --json)`;
}

function indent(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n');
}
