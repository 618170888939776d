import type { AgentClient } from '../../protocol/agentClient.ts';
import { requests } from '../../protocol/api.ts';
import type { Decision } from '../../protocol/decision.ts';
import type { RunRow } from '../../protocol/model.ts';
import { standsOut } from './standsOut.ts';
import { typeStatistics, type TypeStatistics } from './typeStatistics.ts';

const PAGE = 1_000;
/** More is not read: a bound for time and memory, and as many as are kept by default. */
const MOST_ROWS = 10_000;

/** So few are all that there were; of more the older ones may not be kept any more. */
const LIKELY_CUT = 1_000;

/** How job types did, in a stretch of time until now. */
export interface Statistics {
  from: string;
  to: string;
  /** Since when runs are known; null: for the whole stretch. */
  runsFrom: string | null;
  /** The same of decisions. */
  decisionsFrom: string | null;
  types: TypeStatistics[];
  /** What a person should look at, in sentences. */
  standsOut: string[];
}

/**
 * Reads how job types did.
 * @param lengthMs of the stretch
 * @param type only this one
 */
export async function gatherStatistics(
  client: AgentClient,
  lengthMs: number,
  type: string | undefined,
): Promise<Statistics> {
  const { now } = await client.request(requests.status, {});
  const from = new Date(Date.parse(now) - lengthMs).toISOString();
  const ofType = type === undefined ? {} : { type };
  const ofSubject = type === undefined ? {} : { subject: type };
  const [runs, decisions, schedules] = await Promise.all([
    readSince(
      from,
      // What runs has no end yet: it is of now.
      ({ endedAt }: RunRow) => endedAt ?? now,
      (page) => client.request(requests.history, { ...ofType, ...page }),
    ),
    readSince(
      from,
      ({ at }: Decision) => at,
      (page) => client.request(requests.decisions, { ...ofSubject, ...page }),
    ),
    client.request(requests.schedules, {}),
  ]);
  const since = runs.rows.length >= LIKELY_CUT ? (runs.knownFrom ?? from) : from;
  const types = typeStatistics({
    runs: runs.rows.filter(({ status }) => status !== 'running'),
    refusals: decisions.rows.filter(isRefusedJob),
    lengthMs: Math.max(1, Date.parse(now) - Date.parse(since)),
  });
  return {
    ...{ from, to: now, runsFrom: runs.knownFrom, decisionsFrom: decisions.knownFrom, types },
    standsOut: types.flatMap((row) => standsOut(row, schedules)),
  };
}

/** Pages, the newest rows first, until one is older; `knownFrom`: the oldest, where none is. */
async function readSince<Row>(
  from: string,
  timeOf: (row: Row) => string,
  read: (page: { limit: number; offset: number }) => Promise<{ rows: Row[]; total: number }>,
): Promise<{ rows: Row[]; knownFrom: string | null }> {
  const rows: Row[] = [];
  for (let offset = 0; offset < MOST_ROWS; offset += PAGE) {
    const page = await read({ limit: PAGE, offset });
    const isOld = (row: Row) => timeOf(row) < from;
    rows.push(...page.rows.filter((row) => !isOld(row)));
    if (page.rows.some(isOld)) return { rows, knownFrom: null };
    if (offset + PAGE >= page.total) break;
  }
  const oldest = rows.at(-1);
  return { rows, knownFrom: oldest === undefined ? null : timeOf(oldest) };
}

function isRefusedJob({ action, outcome }: Decision): boolean {
  const isOfJob = action === 'enqueue' || action === 'schedule' || action === 'execute';
  return isOfJob && outcome !== 'accepted';
}
