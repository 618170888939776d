import { formatDuration } from '../../common/duration.ts';
import type { StateSnapshot } from '../../protocol/model.ts';
import type { StatusReport } from '../text/statusText.ts';
import { formatCount, plural } from '../text/table.ts';
import { schedulerLock } from './liveScreen.ts';
import { totalJobs, type UpFigures } from './upFigures.ts';

/** What `up --json` prints when it ends. */
export interface UpSummary extends Omit<
  StatusReport,
  'agent' | 'agents' | 'role' | 'agesOverThreshold'
> {
  forMs: number;
  agent: StatusReport['agent'] | null;
  jobs: ReturnType<typeof totalJobs>;
  decisions: UpFigures['decisions'];
  /** From the start of this command to the start of the first run. */
  firstJobRunMs: number | null;
}

/** From a last look at the agent, or from the copy of its state when it is gone. */
export function upSummary(
  forMs: number,
  figures: UpFigures,
  last: StatusReport | undefined,
  state: StateSnapshot,
  nowMs: number,
): UpSummary {
  const agent = last?.agent ?? state.agent['agent'] ?? null;
  const queues = last?.queues ?? Object.values(state.queues);
  const { firstRunAtMs, sinceMs } = figures;
  return {
    forMs: Math.round(forMs),
    agent,
    redis: last?.redis ?? agent?.redis ?? UNKNOWN_REDIS,
    streams: last?.streams ?? Object.values(state.streams),
    queues,
    jobs: totalJobs(queues),
    schedulerLock: last === undefined ? schedulerLock(state, nowMs) : last.schedulerLock,
    locks: last?.locks ?? Object.values(state.locks),
    decisions: figures.decisions,
    firstJobRunMs: firstRunAtMs === null ? null : Math.round(firstRunAtMs - sinceMs),
  };
}

const UNKNOWN_REDIS: StatusReport['redis'] = {
  kind: 'private',
  address: '',
  version: null,
  state: 'unreachable',
  trouble: 'The agent was gone before it told.',
};

export function upSummaryText(summary: UpSummary, stopped: boolean): string {
  const { jobs, streams } = summary;
  const ticks = streams.reduce((total, stream) => total + stream.totalTicks, 0);
  const first =
    summary.firstJobRunMs === null
      ? ''
      : ` The first job ran after ${formatDuration(summary.firstJobRunMs)}.`;
  return [
    `${formatDuration(summary.forMs)}: ${plural(jobs.completed, 'job')} completed, ${formatCount(jobs.failed)} failed, ${plural(ticks, 'tick')} received.${first}`,
    stopped ? 'The agent has stopped.' : 'The agent goes on; stop it with "interlock stop".',
  ].join('\n');
}
