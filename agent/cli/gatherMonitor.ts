import { InterlockError } from '../common/errors.ts';
import { runAgeLevel } from '../protocol/ageLevels.ts';
import type { AgentClient } from '../protocol/agentClient.ts';
import { requests } from '../protocol/api.ts';
import type { Decision, DecisionReason } from '../protocol/decision.ts';
import type { AgeLevel, AgentStatus, JobRow, RunRow, ScheduleRow } from '../protocol/model.ts';
import { countBy } from './countBy.ts';

/** As many as one request gives: of more, the newest count. */
const RECENT = 1_000;

const QUEUED_STATES = ['waiting', 'prioritized', 'delayed'] as const;

type Counts<K extends string> = Partial<Record<K, number>>;

/** How one job type does. */
export interface MonitorRow {
  at: string;
  type: string;
  queue: string;
  /** Waiting, prioritized or delayed. */
  queued: number;
  /** There were more jobs than could be read: it may be more. */
  queuedAtLeast: boolean;
  running: number;
  /** `maxConcurrent`: most jobs queued or running; null: no limit. */
  limit: number | null;
  oldestRunMs: number | null;
  oldestRunLevel: AgeLevel;
  lastRun: Pick<RunRow, 'status' | 'startedAt' | 'endedAt' | 'durationMs' | 'error'> | null;
  /** Recent runs that ended, by status. */
  runs: Counts<RunRow['status']>;
  /** Recent decisions that let something in. */
  accepted: number;
  /** Recent decisions that did not, by reason. */
  refusals: Counts<DecisionReason>;
  nextSlotAt: string | null;
}

/** What the agent tells of all job types. */
export interface MonitorFacts {
  agent: AgentStatus;
  active: JobRow[];
  queued: JobRow[];
  queuedAtLeast: boolean;
  /** Newest first. */
  runs: RunRow[];
  decisions: Decision[];
  schedules: ScheduleRow[];
}

/**
 * Reads how job types do.
 * @param jobType only this one
 * @throws InterlockError `not_found` for a type that is not declared
 */
export async function gatherMonitor(
  client: AgentClient,
  jobType: string | undefined,
): Promise<MonitorRow[]> {
  const agent = await client.request(requests.status, {});
  const names = agent.jobTypes.map((type) => type.name);
  if (jobType !== undefined && !names.includes(jobType)) throw unknownType(jobType, names);
  const type = jobType === undefined ? {} : { type: jobType };
  const subject = jobType === undefined ? {} : { subject: jobType };
  const [active, queued, runs, decisions, schedules] = await Promise.all([
    client.request(requests.jobs, { ...type, state: 'active', limit: RECENT }),
    Promise.all(
      QUEUED_STATES.map((state) =>
        client.request(requests.jobs, { ...type, state, limit: RECENT }),
      ),
    ),
    client.request(requests.history, { ...type, limit: RECENT }),
    client.request(requests.decisions, { ...subject, limit: RECENT }),
    client.request(requests.schedules, {}),
  ]);
  const rows = monitorRows({
    ...{ agent, active, queued: queued.flat(), runs: runs.rows, decisions: decisions.rows },
    ...{ schedules, queuedAtLeast: queued.some((page) => page.length === RECENT) },
  });
  return rows.filter((row) => jobType === undefined || row.type === jobType);
}

/** One row for each declared job type, in the order of the config. */
export function monitorRows(facts: MonitorFacts): MonitorRow[] {
  const { agent } = facts;
  const nowMs = Date.parse(agent.now);
  return agent.jobTypes.map(({ name, queue, maxConcurrent }) => {
    const active = facts.active.filter((job) => job.type === name);
    const ended = facts.runs.filter((run) => run.type === name && run.status !== 'running');
    const decisions = facts.decisions.filter((decision) => decision.subject === name);
    const refused = decisions.filter((decision) => decision.outcome !== 'accepted');
    const oldestRunMs = oldestAgeMs(active, nowMs);
    const last = ended[0];
    return {
      ...{ at: agent.now, type: name, queue, limit: maxConcurrent, running: active.length },
      queued: facts.queued.filter((job) => job.type === name).length,
      queuedAtLeast: facts.queuedAtLeast,
      oldestRunMs,
      oldestRunLevel: oldestRunMs === null ? 'normal' : runAgeLevel(oldestRunMs, agent.thresholds),
      lastRun: last === undefined ? null : endOf(last),
      runs: Object.fromEntries(countBy(ended, (run) => run.status)),
      accepted: decisions.length - refused.length,
      refusals: Object.fromEntries(countBy(refused, (decision) => decision.reason)),
      nextSlotAt: nextSlotOf(name, facts.schedules),
    };
  });
}

function oldestAgeMs(active: JobRow[], nowMs: number): number | null {
  const starts = active.flatMap((job) => (job.startedAt === null ? [] : Date.parse(job.startedAt)));
  return starts.length === 0 ? null : Math.max(0, nowMs - Math.min(...starts));
}

function endOf({ status, startedAt, endedAt, durationMs, error }: RunRow) {
  return { status, startedAt, endedAt, durationMs, error };
}

function nextSlotOf(type: string, schedules: ScheduleRow[]): string | null {
  const slots = schedules.flatMap((row) => (row.job === type ? (row.nextSlotAt ?? []) : []));
  return slots.sort()[0] ?? null;
}

function unknownType(type: string, known: string[]): InterlockError {
  return new InterlockError({
    code: 'not_found',
    message: `There is no job type "${type}".`,
    remedy: `Use one of: ${known.join(', ') || 'none is declared'}.`,
  });
}
