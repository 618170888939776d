import { InterlockError } from '../common/errors.ts';
import { filedUnder } from '../locks/filedUnder.ts';
import type { AgentClient } from '../protocol/agentClient.ts';
import { requests } from '../protocol/api.ts';
import type { Decision } from '../protocol/decision.ts';
import type { JobRow, JobState, LockRow, ScheduleRow, StreamRow } from '../protocol/model.ts';

/** Jobs of each state that are looked at. */
const MOST_JOBS = 200;
const WAITING_STATES: JobState[] = ['waiting', 'prioritized', 'delayed'];

/** What is known of a job type, a stream, a schedule or a lock: what was decided, and how it is now. */
export interface Explanation {
  /** Newest first. */
  decisions: Decision[];
  schedule: ScheduleRow | undefined;
  stream: StreamRow | undefined;
  /** The lock of that name. */
  lock: LockRow | undefined;
  /** undefined when it is none of a job type. */
  jobs: PresentJobs | undefined;
}

export interface PresentJobs {
  running: { job: JobRow; lock: LockRow | undefined }[];
  waiting: JobRow[];
  /** Whether there may be more than were looked at. */
  more: boolean;
}

/** What decisions are asked for: both must fit where both are given. */
interface Question {
  subject?: string;
  key?: string;
}

/**
 * @param subject name of a job type, a stream, a schedule or a lock
 * @param key of a job type, as people see it; left out: all of them
 * @throws InterlockError `not_found` when nothing of that name is known, and nothing was decided
 */
export async function explainSubject(
  client: AgentClient,
  subject: string,
  key: string | undefined,
  limit: number,
): Promise<Explanation> {
  const [{ jobTypes }, schedules, streams, lock] = await Promise.all([
    client.request(requests.status, {}),
    client.request(requests.schedules, {}),
    client.request(requests.streams, {}),
    findLock(client, subject),
  ]);
  const schedule = schedules.find(({ name }) => name === subject);
  const stream = streams.find(({ name }) => name === subject);
  const isNamed = schedule !== undefined || stream !== undefined || lock !== undefined;
  const isType =
    jobTypes.some(({ name }) => name === subject) ||
    schedules.some(({ job }) => job === subject) ||
    // Of a BullMQ program that nothing was configured for.
    (!isNamed && (await hasJobs(client, subject)));
  const type = isType ? subject : (schedule?.job ?? lock?.job?.type);
  const filed = lock === undefined ? undefined : filedUnder(lock);
  const keyOfJobs = key ?? (isType ? undefined : (filed?.key ?? undefined));
  const [decisions, jobs] = await Promise.all([
    readDecisions(client, questions(subject, key, ofSchedules(subject, schedules), filed), limit),
    type === undefined ? undefined : readJobs(client, type, keyOfJobs),
  ]);
  const known = type !== undefined || stream !== undefined || lock !== undefined;
  if (!known && decisions.length === 0) {
    const types = jobTypes.map(({ name }) => name);
    throw notFound(subject, types, streams, schedules);
  }
  return { decisions, schedule, stream, lock, jobs };
}

function questions(
  subject: string,
  key: string | undefined,
  alsoSubjects: readonly string[],
  filed: Pick<Decision, 'subject' | 'key'> | undefined,
): Question[] {
  const also = key === undefined ? {} : { key };
  const asked: Question[] = [{ subject, ...also }];
  for (const other of alsoSubjects) asked.push({ subject: other, ...also });
  // The name of a lock stands as the key of decisions about a stream.
  if (key === undefined) asked.push({ key: subject });
  if (filed !== undefined)
    asked.push({ subject: filed.subject, ...(filed.key === null ? {} : { key: filed.key }) });
  return asked;
}

/**
 * Slots that are enqueued are filed under their job type; what a schedule does not enqueue, and what
 * people ask of it, under its own name.
 */
function ofSchedules(subject: string, schedules: readonly ScheduleRow[]): string[] {
  const names = schedules.flatMap(({ name, job }) => {
    if (name === subject) return [job];
    return job === subject ? [name] : [];
  });
  return [...new Set(names)].filter((name) => name !== subject);
}

async function readDecisions(
  client: AgentClient,
  asked: Question[],
  limit: number,
): Promise<Decision[]> {
  const pages = await Promise.all(
    asked.map((question) => client.request(requests.decisions, { ...question, limit })),
  );
  const byId = new Map(pages.flatMap(({ rows }) => rows).map((one) => [one.id, one]));
  return [...byId.values()]
    .sort((a, b) => b.id.localeCompare(a.id, 'en', { numeric: true }))
    .slice(0, limit);
}

async function hasJobs(client: AgentClient, type: string): Promise<boolean> {
  return (await client.request(requests.jobs, { type, limit: 1 })).length > 0;
}

async function readJobs(
  client: AgentClient,
  type: string,
  key: string | undefined,
): Promise<PresentJobs> {
  const pages = await Promise.all(
    (['active', ...WAITING_STATES] as const).map((state) =>
      client.request(requests.jobs, { type, state, limit: MOST_JOBS }),
    ),
  );
  const ofKey = pages.map((rows) => rows.filter((job) => key === undefined || job.key === key));
  const [active = [], ...waiting] = ofKey;
  const lockOf =
    active.length === 0 ? new Map<string, LockRow>() : await readRunLocks(client, type);
  const running = active.map((job) => ({ job, lock: lockOf.get(`${job.queue}/${job.id}`) }));
  return {
    running,
    waiting: waiting.flat(),
    more: pages.some((rows) => rows.length === MOST_JOBS),
  };
}

async function findLock(client: AgentClient, name: string): Promise<LockRow | undefined> {
  const { rows } = await client.request(requests.locks, { search: name, limit: 1_000 });
  return rows.find((row) => row.name === name);
}

/** By queue and job. */
async function readRunLocks(client: AgentClient, type: string): Promise<Map<string, LockRow>> {
  const pages = await Promise.all(
    (['run', 'job'] as const).map((kind) =>
      client.request(requests.locks, { kind, search: type, limit: 1_000 }),
    ),
  );
  return new Map(
    pages.flatMap(({ rows }) => rows).map((row) => [`${row.job?.queue}/${row.job?.id}`, row]),
  );
}

function notFound(
  subject: string,
  types: string[],
  streams: StreamRow[],
  schedules: ScheduleRow[],
): InterlockError {
  const list = (what: string, names: string[]) =>
    names.length === 0 ? [] : [`${what} ${names.join(', ')}`];
  const known = [
    ...list('job types', types),
    ...list(
      'streams',
      streams.map(({ name }) => name),
    ),
    ...list(
      'schedules',
      schedules.map(({ name }) => name),
    ),
  ];
  return new InterlockError({
    code: 'not_found',
    message: `Nothing is known of "${subject}": it is no job type, stream, schedule or lock, and nothing was decided about it.`,
    remedy:
      known.length === 0
        ? 'Declare it in interlock.config.json.'
        : `Known are: ${known.join('; ')}. Locks are in "interlock locks".`,
    details: { subject },
  });
}
