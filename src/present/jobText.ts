import { assertNever } from '../../agent/common/assertNever.ts';
import { formatDuration } from '../../agent/common/duration.ts';
import type {
  AgeLevel,
  JobRow,
  JobState,
  OutsideRun,
  QueueRow,
} from '../../agent/protocol/model.ts';
import { ageMs, formatAge, formatAgo, formatCount, formatCountdown } from './age.ts';
import { levelName } from './ageText.ts';
import type { Translate } from './translate.ts';

const MAX_REASON_CHARS = 120;

/** `chain_state_monitor [mainnet]`, or the type alone where all of it is one key. */
export function jobLabel({ type, key }: { type: string; key: string | null }): string {
  return key === null || key === '' || key === WHOLE_TYPE ? type : `${type} [${key}]`;
}

/** What the agent calls the key of a type that is unique as a whole. */
const WHOLE_TYPE = '*';

/** The one thing that matters about a job in its state, first. */
export function describeJob(
  job: JobRow,
  nowMs: number,
  t: Translate,
  level: AgeLevel = 'normal',
): string {
  return joined([stateText(job, nowMs, t, level), attemptsText(job, t)]);
}

function stateText(job: JobRow, nowMs: number, t: Translate, level: AgeLevel): string {
  switch (job.state) {
    case 'active':
      return joined([...runText(job, nowMs, t, level), progressText(job.progress)]);
    case 'waiting':
    case 'prioritized':
    case 'waiting-children':
      return t('for {0}', formatAge(job.createdAt, nowMs));
    case 'delayed':
      return job.dueAt === null ? '' : formatCountdown(job.dueAt, nowMs, t);
    case 'failed':
      return joined([firstLine(job.failedReason ?? ''), formatAgo(job.finishedAt, nowMs, t)]);
    case 'completed':
      return joined([formatAgo(job.finishedAt, nowMs, t), tookText(job, t)]);
    default:
      return assertNever(job.state);
  }
}

function runText(job: JobRow, nowMs: number, t: Translate, level: AgeLevel): string[] {
  const age = formatAge(job.startedAt, nowMs);
  const told = level === 'normal' ? [age] : [t('running {0}', age), levelName(level, t)];
  return job.outside === undefined ? told : [...told, outsideText(job.outside, t)];
}

/** `worker billing (127.0.0.1:51234), outside Interlock`. */
function outsideText({ worker, address }: OutsideRun, t: Translate): string {
  const parts = [t('worker'), worker, address && `(${address})`];
  return t('{0}, outside Interlock', parts.filter((part) => part !== null).join(' '));
}

/** Who runs it, for a tooltip; nothing for a run of Interlock's. */
export function outsideFacts(run: OutsideRun | undefined, nowMs: number, t: Translate): Fact[] {
  if (run === undefined) return [];
  return [
    [t('Run by'), outsideText(run, t)],
    [t('Lock ends'), formatCountdown(run.lockEndsAt ?? '', nowMs, t)],
  ];
}

type Fact = [string, string];

/** Rows of these states say something else each second. */
export function jobTicks(job: JobRow): boolean {
  return job.state === 'active' || job.state === 'delayed';
}

function tookText(job: JobRow, t: Translate): string {
  if (job.startedAt === null || job.finishedAt === null) return '';
  const tookMs = ageMs(job.startedAt, Date.parse(job.finishedAt));
  return tookMs === undefined ? '' : t('took {0}', formatDuration(tookMs));
}

function attemptsText(job: JobRow, t: Translate): string {
  return job.attemptsMade > 1 ? t('attempt {0} of {1}', job.attemptsMade, job.maxAttempts) : '';
}

/** A number is a percentage, as BullMQ has it; text stands for itself; the rest is shown as JSON. */
export function progressText(progress: unknown): string {
  if (progress === null || progress === undefined || progress === 0) return '';
  if (typeof progress === 'number') return `${Math.round(progress)} %`;
  if (typeof progress === 'string') return firstLine(progress);
  const json = JSON.stringify(progress);
  return json === '{}' ? '' : firstLine(json);
}

export function jobStateName(state: JobState, t: Translate): string {
  switch (state) {
    case 'active':
      return t('Active');
    case 'waiting':
      return t('Waiting');
    case 'prioritized':
      return t('Prioritized');
    case 'delayed':
      return t('Delayed');
    case 'waiting-children':
      return t('Waiting for Children');
    case 'failed':
      return t('Failed');
    case 'completed':
      return t('Completed');
    default:
      return assertNever(state);
  }
}

/** `paused · 2 active · 14 waiting · 3 failed`: what is zero is left out. */
export function describeQueue(queue: QueueRow, t: Translate): string {
  const { counts } = queue;
  const queued = counts.waiting + counts.prioritized;
  const parts = [
    queue.paused ? t('paused') : '',
    counts.active > 0 ? t('{0} active', formatCount(counts.active)) : '',
    queued > 0 ? t('{0} waiting', formatCount(queued)) : '',
    counts.delayed > 0 ? t('{0} delayed', formatCount(counts.delayed)) : '',
    counts.failed > 0 ? t('{0} failed', formatCount(counts.failed)) : '',
  ];
  const text = joined(parts);
  return text === '' ? t('idle') : text;
}

export function firstLine(text: string): string {
  const line = text.split('\n', 1)[0] ?? '';
  return line.length > MAX_REASON_CHARS ? `${line.slice(0, MAX_REASON_CHARS - 1)}…` : line;
}

export function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(' · ');
}
