import * as z from 'zod';
import { parseJson } from '../common/json.ts';
import type { Holder } from '../protocol/decision.ts';
import { runRow, type RunRow } from '../protocol/model.ts';

/** A run that has ended, as its worker knows it. Times are ms since the epoch. */
export interface EndedRun {
  jobId: string;
  queue: string;
  type: string;
  /** The uniqueness key for people; null without a rule. */
  key: string | null;
  status: Exclude<RunRow['status'], 'running'>;
  startedAtMs: number;
  endedAtMs: number;
  fence: number | null;
  attempt: number;
  /** Why it failed, was skipped or lost. */
  error: string | null;
  /** From when it was due until this start, its first one; left out: not known. */
  waitedMs?: number | undefined;
  /** Of that time it stood still under a debugger; left out: never. */
  pausedMs?: number | undefined;
  /** Its field in the hash `running:<type>`, which is freed; left out when it holds none. */
  runningField?: string | undefined;
  /** Who ran it, when it was not this agent: a lost run is told by the one that finds it. */
  worker?: Holder | null;
}

/** A stack or a whole answer of a server is no reason: a row has to stay small. */
const ERROR_CHARACTERS = 500;

/** Host, id of the host, process id, role, agent id, start of the process. */
const workerFields = z.tuple([
  z.string(),
  z.string(),
  z.number().int(),
  z.string(),
  z.string(),
  z.string().nullable(),
]);

/**
 * Written as arrays, because names of fields would be most of a row, and Redis' time for a row
 * grows with its length. The second time is how long it took.
 */
const entry = z
  .tuple([
    z.string(),
    z.string(),
    z.string(),
    z.string().nullable(),
    runRow.shape.status.exclude(['running']),
    z.number(),
    z.number(),
    z.number().int().nullable(),
    z.number().int(),
    z.string().nullable(),
    workerFields.nullable(),
    // Time under a debugger that was no run time. Hardly any run has it.
    z.number().int().optional(),
    // How long it waited for its first start.
    z.number().int().optional(),
  ])
  // What later versions add.
  .rest(z.unknown());

/** One line of the stream; it has no line break, whatever its texts hold. */
export function runEntry(run: EndedRun, ownHolder: Holder): string {
  const line: z.infer<typeof entry> = [
    run.jobId,
    run.queue,
    run.type,
    run.key,
    run.status,
    run.startedAtMs,
    Math.max(0, Math.round(run.endedAtMs - run.startedAtMs) - (run.pausedMs ?? 0)),
    run.fence,
    run.attempt,
    run.error?.slice(0, ERROR_CHARACTERS) ?? null,
    toWorkerFields(run.worker === undefined ? ownHolder : run.worker),
  ];
  const { pausedMs, waitedMs } = run;
  if (waitedMs !== undefined) line.push(pausedMs ?? 0, Math.round(waitedMs));
  else if (pausedMs !== undefined) line.push(pausedMs);
  return JSON.stringify(line);
}

/**
 * A stream entry as a row; undefined when it is not one of ours.
 * @param fields name and value, as Redis gives them
 */
export function parseRunEntry(
  id: string,
  fields: readonly string[],
  scheduleOf: (jobId: string) => string | null,
): RunRow | undefined {
  const [name, json = ''] = fields;
  if (name !== 'run') return undefined;
  const parsed = entry.safeParse(parseJson(json));
  if (!parsed.success) return undefined;
  const [jobId, queue, type, key, status, startedAtMs, durationMs, fence, attempt, error, worker] =
    parsed.data;
  const pausedMs = parsed.data[11] ?? 0;
  const waitedMs = parsed.data[12] ?? null;
  return {
    ...{ id, jobId, queue, type, key, status, fence, attempt, error },
    ...{ durationMs, pausedMs, waitedMs },
    startedAt: new Date(startedAtMs).toISOString(),
    endedAt: new Date(startedAtMs + durationMs + pausedMs).toISOString(),
    worker: toHolder(worker),
    schedule: scheduleOf(jobId),
  };
}

function toWorkerFields(holder: Holder | null): z.infer<typeof workerFields> | null {
  if (holder === null) return null;
  const { host, hostId, pid, role, agentId, processStart } = holder;
  return [host, hostId, pid, role, agentId, processStart];
}

/** Whether it lives is told by who reads it. */
function toHolder(fields: z.infer<typeof workerFields> | null): Holder | null {
  if (fields === null) return null;
  const [host, hostId, pid, role, agentId, processStart] = fields;
  return { host, hostId, pid, role, agentId, processStart, alive: null };
}
