import { assertNever } from '../../agent/common/assertNever.ts';
import type { Decision } from '../../agent/protocol/decision.ts';
import type { JobRow, JobState, QueueRow, StreamRow } from '../../agent/protocol/model.ts';
import { jobGroupKey, jobKey } from './jobKey.ts';
import type { Pages } from './pages.ts';
import type { Store } from './store.ts';

/** The order in which groups of jobs are shown: what happens now, then what comes, then what was. */
export const JOB_GROUP_ORDER: readonly JobState[] = [
  'active',
  'waiting',
  'prioritized',
  'delayed',
  'waiting-children',
  'failed',
  'completed',
];

/** These come and go all the time where jobs run: the rows stay, so that the list does not jump. */
const STEADY_GROUPS: readonly JobState[] = ['active', 'waiting', 'completed'];

/** Groups with jobs in them, and the steady ones; a queue without any job shows none. */
export function shownJobStates(queue: QueueRow): JobState[] {
  if (JOB_GROUP_ORDER.every((state) => queue.counts[state] === 0)) return [];
  return JOB_GROUP_ORDER.filter(
    (state) => queue.counts[state] > 0 || STEADY_GROUPS.includes(state),
  );
}

/** The jobs of one group that are known here, in the order in which they matter. */
export function jobsOfGroup(
  store: Store,
  pages: Pages<JobRow>,
  queue: string,
  state: JobState,
): JobRow[] {
  const jobs = new Map<string, JobRow>(pages.rows(jobGroupKey(queue, state)));
  for (const row of store.rows('jobs').values()) {
    if (row.queue === queue && row.state === state) jobs.set(jobKey(row), row);
  }
  return [...jobs.values()].sort(jobOrder(state));
}

/** What is next comes first; of what has ended, the newest. */
function jobOrder(state: JobState): (a: JobRow, b: JobRow) => number {
  switch (state) {
    case 'active':
      return ascending((row) => row.startedAt ?? row.createdAt);
    case 'delayed':
      return ascending((row) => row.dueAt ?? row.createdAt);
    case 'waiting':
    case 'prioritized':
    case 'waiting-children':
      return ascending((row) => row.createdAt);
    case 'failed':
    case 'completed':
      return (a, b) => ascending((row) => row.finishedAt ?? row.createdAt)(b, a);
    default:
      return assertNever(state);
  }
}

function ascending(timeOf: (row: JobRow) => string): (a: JobRow, b: JobRow) => number {
  return (a, b) => {
    const [left, right] = [timeOf(a), timeOf(b)];
    if (left !== right) return left < right ? -1 : 1;
    return a.id.localeCompare(b.id, 'en', { numeric: true });
  };
}

export function sortedByName<Row extends { name: string }>(rows: ReadonlyMap<string, Row>): Row[] {
  return [...rows.values()].sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true }));
}

/** One for all: `localeCompare` makes a new one each time, which 10,000 rows feel. */
const NUMERIC = new Intl.Collator('en', { numeric: true });

export function newestDecisions(rows: ReadonlyMap<string, Decision>): Decision[] {
  return [...rows.values()].sort((a, b) => {
    if (a.at !== b.at) return a.at < b.at ? 1 : -1;
    return NUMERIC.compare(b.id, a.id);
  });
}

/** How a stream does, in one word for icon, status bar and text. */
export type StreamHealth =
  'live' | 'partly' | 'connecting' | 'waiting' | 'elsewhere' | 'suspended' | 'stopped';

export function streamHealth(stream: StreamRow): StreamHealth {
  if (stream.state === 'stopped') return 'stopped';
  if (stream.state === 'elsewhere') return 'elsewhere';
  if (stream.state === 'waiting') return 'waiting';
  if (stream.connections.some((connection) => connection.state === 'suspended')) return 'suspended';
  const live = stream.connections.filter((connection) => connection.state === 'live').length;
  if (live === 0) return 'connecting';
  return live === stream.connections.length ? 'live' : 'partly';
}

/** Of the streams that shall run, how many do, here or in another agent. */
export function streamTotals(streams: Iterable<StreamRow>): {
  live: number;
  wanted: number;
  suspended: string[];
} {
  const wanted = [...streams].filter((stream) => stream.wanted === 'running');
  const live = wanted.filter((stream) =>
    ['live', 'partly', 'elsewhere'].includes(streamHealth(stream)),
  );
  const suspended = wanted.filter((stream) => streamHealth(stream) === 'suspended');
  return {
    live: live.length,
    wanted: wanted.length,
    suspended: suspended.map((stream) => stream.name),
  };
}

/** Jobs of the whole workspace in one state, by the queues' own counts. */
export function countJobs(queues: Iterable<QueueRow>, state: JobState): number {
  let total = 0;
  for (const queue of queues) total += queue.counts[state];
  return total;
}
