import { formatDuration } from '../../common/duration.ts';
import type { Decision } from '../../protocol/decision.ts';
import type { JobRow, LockRow, StateSnapshot } from '../../protocol/model.ts';
import { connectionTotals } from '../../protocol/streamFigures.ts';
import { ago, holderName } from '../text/ages.ts';
import { progressText } from '../text/jobText.ts';
import { queuesText } from '../text/queueText.ts';
import { agentLine, redisLine, schedulerLine } from '../text/statusText.ts';
import { isLive, streamText } from '../text/streamText.ts';
import { truncateVisible, type Style } from '../text/style.ts';
import { formatCount, renderTable } from '../text/table.ts';
import { totalJobs } from './upFigures.ts';

const SHOWN_RUNS = 5;
const SHOWN_DECISIONS = 5;
/** Of a stream with more connections the troubled ones are shown, and the others counted. */
const SHOWN_CONNECTIONS = 8;

export interface LiveView {
  state: StateSnapshot;
  nowMs: number;
  /** How long it has been shown. */
  elapsedMs: number;
  /** What Ctrl+C does. */
  hint: string;
}

/** The whole status screen; every line fits the terminal. */
export function renderScreen(
  view: LiveView,
  size: { columns: number; rows: number },
  style: Style,
): string[] {
  const { state, nowMs } = view;
  const agent = state.agent['agent'];
  const lines = [
    `${style.heading('Interlock')}  ${agent?.workspace ?? ''}  ${style.quiet(`${formatDuration(view.elapsedMs)}, ${view.hint}`)}`,
    '',
    ...(agent === undefined
      ? ['Agent      not known yet']
      : [agentLine(agent, nowMs, style), redisLine(agent.redis, style)]),
    schedulerLine(schedulerLock(state, nowMs), style),
    ...streamLines(view, style),
    '',
    ...queuesText(Object.values(state.queues), style).split('\n'),
    ...runLines(view, style),
    ...decisionLines(view, style),
  ];
  return lines
    .slice(0, Math.max(1, size.rows - 1))
    .map((line) => truncateVisible(line, size.columns));
}

/** One line for where nothing can be redrawn. */
export function renderLine(view: LiveView): string {
  const { state, nowMs } = view;
  const streams = Object.values(state.streams);
  const sum = (value: (stream: (typeof streams)[number]) => number) =>
    streams.reduce((total, stream) => total + value(stream), 0);
  const connected = `${sum((row) => row.connected)}/${connectionTotals(streams).wanted}`;
  const jobs = totalJobs(Object.values(state.queues));
  const lock = schedulerLock(state, nowMs);
  return [
    formatDuration(view.elapsedMs),
    `streams ${connected} connected, ${formatCount(sum((row) => row.totalTicks))} ticks`,
    `jobs ${formatCount(jobs.completed)} completed, ${formatCount(jobs.failed)} failed, ${formatCount(jobs.active)} active, ${formatCount(jobs.waiting)} waiting`,
    lock === null
      ? 'scheduler lock free'
      : `${lock.name} held by ${holderName(lock.holder)}, age ${formatDuration(lock.ageMs ?? 0)}, fence ${lock.fence ?? '-'}`,
  ].join(' | ');
}

/** Its age goes on between two deltas. */
export function schedulerLock(state: StateSnapshot, nowMs: number): LockRow | null {
  const lock = Object.values(state.locks).find((row) => row.kind === 'scheduler');
  if (lock === undefined) return null;
  const sinceMs = lock.acquiredAt === null ? 0 : nowMs - Date.parse(lock.acquiredAt);
  return { ...lock, ageMs: Math.max(lock.ageMs ?? 0, sinceMs) };
}

function streamLines({ state, nowMs }: LiveView, style: Style): string[] {
  const streams = Object.values(state.streams);
  if (streams.length === 0) return [];
  // What needs a look comes first.
  const sorted = [...streams].sort((a, b) => Number(isLive(a)) - Number(isLive(b)));
  const agentId = state.agent['agent']?.agentId;
  const shown = { nowMs, agentId, most: SHOWN_CONNECTIONS };
  return ['', ...sorted.flatMap((row) => streamText(row, shown, style).split('\n'))];
}

function runLines({ state, nowMs }: LiveView, style: Style): string[] {
  const active = Object.values(state.jobs).filter((job) => job.state === 'active');
  if (active.length === 0) return [];
  const oldest = [...active].sort((a, b) => startOf(a) - startOf(b)).slice(0, SHOWN_RUNS);
  const table = renderTable(
    oldest,
    [
      { title: 'running', value: (job) => job.type },
      { title: 'job', value: (job) => job.id },
      { title: 'for', value: (job) => formatDuration(nowMs - startOf(job)), align: 'right' },
      { title: 'progress', value: progressText },
    ],
    style,
  );
  const more = active.length - oldest.length;
  return ['', ...table.split('\n'), ...(more > 0 ? [style.quiet(`and ${more} more`)] : [])];
}

function decisionLines({ state, nowMs }: LiveView, style: Style): string[] {
  const newest = Object.values(state.decisions)
    .sort((a, b) => Date.parse(b.at) - Date.parse(a.at))
    .slice(0, SHOWN_DECISIONS);
  if (newest.length === 0) return [];
  const table = renderTable(
    newest,
    [
      { title: 'decision', value: (decision) => outcomeText(decision, style) },
      { title: 'about', value: aboutText },
      { title: 'rule', value: (decision) => decision.reason },
      { title: 'when', value: (decision) => ago(decision.at, nowMs) },
    ],
    style,
  );
  return ['', ...table.split('\n')];
}

function outcomeText(decision: Decision, style: Style): string {
  const text = decision.outcome.replaceAll('_', ' ');
  return decision.outcome === 'accepted' ? style.good(text) : style.warning(text);
}

function aboutText(decision: Decision): string {
  const action = decision.action.replaceAll('_', ' ');
  const key = decision.key === null || decision.key === '*' ? '' : ` (${decision.key})`;
  return `${action} ${decision.subject}${key}`;
}

function startOf(job: JobRow): number {
  return job.startedAt === null ? 0 : Date.parse(job.startedAt);
}
