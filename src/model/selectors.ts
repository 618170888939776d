import { assertNever } from '../../agent/common/assertNever.ts';
import type { Decision } from '../../agent/protocol/decision.ts';
import type {
  ConnectionRow,
  JobRow,
  JobState,
  LeaderRow,
  QueueRow,
  StreamRow,
} from '../../agent/protocol/model.ts';
import { countState } from '../../agent/protocol/streamFigures.ts';
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
  'live' | 'partly' | 'connecting' | 'waiting' | 'elsewhere' | 'suspended' | 'sleeping' | 'stopped';

/** Trouble is told before the place: `elsewhere` is a stream that is live in other agents. */
export function streamHealth(stream: StreamRow): StreamHealth {
  const { state, connections } = stream;
  if (state === 'stopped' || state === 'sleeping' || state === 'waiting') return state;
  if (connections.length === 0) return state === 'elsewhere' ? 'elsewhere' : 'connecting';
  if (countState(stream, 'suspended') > 0) return 'suspended';
  const live = countState(stream, 'live');
  if (live === 0) return 'connecting';
  if (live < connections.length - countState(stream, 'sleeping')) return 'partly';
  return state === 'elsewhere' ? 'elsewhere' : 'live';
}

/** Streams that shall run and have a connection that only a person brings back. */
export function suspendedStreams(streams: Iterable<StreamRow>): StreamRow[] {
  return [...streams].filter(
    (stream) => stream.wanted === 'running' && countState(stream, 'suspended') > 0,
  );
}

/** Something of it would be interrupted. */
export function isConnected(stream: StreamRow): boolean {
  return stream.connected > 0 || countState(stream, 'live') > 0;
}

/** The shard of this number; they come in order. */
export function connectionOf(
  stream: StreamRow | undefined,
  shard: number,
): ConnectionRow | undefined {
  const there = stream?.connections[shard];
  if (there?.shard === shard) return there;
  return stream?.connections.find((connection) => connection.shard === shard);
}

/** Jobs of the whole workspace in one state, by the queues' own counts. */
export function countJobs(queues: Iterable<QueueRow>, state: JobState): number {
  let total = 0;
  for (const queue of queues) total += queue.counts[state];
  return total;
}

/** The one that holds the scheduler's lock, if any, comes first. */
export function leadersNewestFirst(rows: ReadonlyMap<string, LeaderRow>): LeaderRow[] {
  return [...rows.values()].sort((a, b) => b.fence - a.fence);
}
