import { formatDuration } from '../../common/duration.ts';
import { outsideWorkerText } from '../../jobs/outsideWorkerText.ts';
import type { JobRow, LockRow, OutsideRun, StreamRow } from '../../protocol/model.ts';
import type { Explanation, PresentJobs } from '../explainSubject.ts';
import { ago, holderName, until } from './ages.ts';
import { decisionText } from './decisionText.ts';
import { lockLine } from './lockText.ts';
import { stuckLine } from './scheduleText.ts';
import type { Style } from './style.ts';
import { formatCount } from './table.ts';

/** Runs that are named; of more only the number is told. */
const NAMED_RUNS = 3;

/** How it is now, then what was decided, newest first. */
export function whyText(explanation: Explanation, nowMs: number, style: Style): string {
  const present = presentLines(explanation, nowMs, style);
  const { decisions } = explanation;
  if (decisions.length === 0)
    return [...present, '', 'No decision about it is recorded.'].join('\n');
  const width = Math.max(...decisions.map(({ at }) => ago(at, nowMs).length));
  const told = decisions.map((decision) => {
    const when = ago(decision.at, nowMs).padEnd(width);
    const [first = '', ...rest] = decisionText(decision, nowMs, style).split('\n');
    return [
      `${style.quiet(when)}  ${first}`,
      ...rest.map((line) => `${' '.repeat(width)}  ${line}`),
    ];
  });
  return [...present, ...(present.length > 0 ? [''] : []), ...told.flat()].join('\n');
}

function presentLines(explanation: Explanation, nowMs: number, style: Style): string[] {
  const { jobs, stream, schedule, lock } = explanation;
  const lines: string[] = [];
  if (schedule !== undefined) {
    lines.push(
      `schedule ${schedule.name} enqueues ${schedule.job} ${schedule.rule}, next ${until(schedule.nextSlotAt, nowMs)}`,
    );
    const stuck = stuckLine(schedule);
    if (stuck !== undefined) lines.push(stuck);
  }
  if (stream !== undefined) lines.push(streamLine(stream, nowMs));
  if (lock !== undefined) lines.push(lockLine(lock, nowMs, style));
  if (jobs !== undefined) lines.push(...jobLines(jobs, nowMs));
  return lines.map((line) => `${style.heading('Now:')} ${line}.`);
}

function jobLines({ running, waiting, more }: PresentJobs, nowMs: number): string[] {
  if (running.length === 0 && waiting.length === 0) return ['none is queued or running'];
  const lines = running.slice(0, NAMED_RUNS).map(({ job, lock }) => {
    const since = job.startedAt === null ? '' : ` for ${ageOf(job.startedAt, nowMs)}`;
    const where = job.outside === undefined ? holderOf(lock) : outsideOf(job.outside);
    const fence = typeof lock?.fence === 'number' ? `, fence ${lock.fence}` : '';
    return `job ${nameOf(job)} has been running${since}${where}${fence}`;
  });
  const others = running.length - lines.length;
  if (others > 0) lines.push(`${formatCount(others)} more ${others === 1 ? 'runs' : 'run'}`);
  const [first] = [...waiting].sort((a, b) => a.createdAt.localeCompare(b.createdAt));
  if (first !== undefined) {
    const count = `${formatCount(waiting.length)}${more ? ' or more' : ''}`;
    const age = ageOf(first.createdAt, nowMs);
    lines.push(
      waiting.length === 1 && !more
        ? `job ${nameOf(first)} has been ${first.state === 'delayed' ? 'delayed' : 'waiting'} for ${age}`
        : `${count} wait, one of them, job ${nameOf(first)}, for ${age}`,
    );
  }
  return lines;
}

function holderOf(lock: LockRow | undefined): string {
  return lock?.holder === null || lock === undefined ? '' : ` on ${holderName(lock.holder)}`;
}

function outsideOf({ worker, address }: OutsideRun): string {
  return ` in ${outsideWorkerText(worker, address)}, which Interlock did not start`;
}

function streamLine({ name, state, holder, startedAt, fence }: StreamRow, nowMs: number): string {
  if (state === 'stopped') return `stream ${name} is stopped`;
  if (state === 'waiting') return `stream ${name} is wanted, and waits for its lock`;
  const since = startedAt === null ? '' : ` for ${ageOf(startedAt, nowMs)}`;
  const where = holder === null ? '' : ` on ${holderName(holder)}`;
  return `stream ${name} has been running${since}${where}${fence === null ? '' : `, fence ${fence}`}`;
}

function nameOf(job: JobRow): string {
  return job.key === null || job.key === '*' ? job.id : `${job.id} (${job.key})`;
}

function ageOf(iso: string, nowMs: number): string {
  return formatDuration(nowMs - Date.parse(iso));
}
