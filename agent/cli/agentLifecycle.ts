import * as path from 'node:path';
import { sleep } from '../common/clock.ts';
import { InterlockError, toInterlockError } from '../common/errors.ts';
import { AgentClient } from '../protocol/agentClient.ts';
import { readAgentRecord, type AgentRecord } from '../protocol/agentRecord.ts';
import { requests } from '../protocol/api.ts';
import { PROTOCOL_VERSION } from '../protocol/version.ts';
import { isSameProcessAlive } from '../state/processIdentity.ts';
import { connectRecord } from './agentConnection.ts';
import {
  spawnAgent,
  waitForAgent,
  waitUntilGone,
  type Attachment,
  type SpawnedAgent,
} from './agentProcess.ts';
import type { CliSession } from './session.ts';

/** An older agent finishes its runs first. */
const DRAIN_DEADLINE_MS = 60_000;
/** The agent itself stops in 5 s, with Redis dead too, unless its config gives runs more time. */
const STOP_DEADLINE_MS = 10_000;
/** Beyond the time that an agent names. */
const STOP_RESERVE_MS = 5_000;
const KILL_DEADLINE_MS = 5_000;
/** Who lost the race to listen waits that long for the winner to answer. */
const WINNER_DEADLINE_MS = 5_000;

export interface StartResult {
  outcome: 'started' | 'already_running' | 'restarted';
  pid: number;
  socketPath: string;
  stateFolder: string;
  logFile: string;
}

export interface StopResult {
  outcome: 'stopped';
  pid: number;
  /** It did not end in order, and was killed. */
  forced: boolean;
}

/**
 * The agent that runs already, if any. One of an older protocol is asked to leave first.
 * @throws InterlockError `version_mismatch` when the agent is newer than this command
 */
export async function findRunningAgent(session: CliSession): Promise<AgentClient | undefined> {
  const record = readAgentRecord(session.stateFolder);
  if (record === undefined) return undefined;
  try {
    return await connectRecord(record, session.io.clock);
  } catch (thrown) {
    const error = toInterlockError(thrown);
    if (error.code === 'no_agent') return undefined;
    if (error.code === 'agent_stopping') {
      await waitUntilGone(record.pid, record.processStart, STOP_DEADLINE_MS, session.io.clock);
      return undefined;
    }
    if (error.code !== 'version_mismatch' || record.protocol >= PROTOCOL_VERSION) throw error;
    await drain(session, record);
    return undefined;
  }
}

async function drain(session: CliSession, record: AgentRecord): Promise<void> {
  session.note(`An older agent (process ${record.pid}) is asked to leave.`);
  const client = await AgentClient.open(record);
  try {
    await client.request(requests.drain, { token: record.token });
  } finally {
    client.dispose();
  }
  const { pid, processStart } = record;
  if (await waitUntilGone(pid, processStart, DRAIN_DEADLINE_MS, session.io.clock)) return;
  throw new InterlockError({
    code: 'conflict',
    message: `The older agent (process ${pid}) still finishes its runs.`,
    remedy: 'Try again later, or end it with "interlock stop".',
  });
}

export interface ObtainOptions {
  attachment: Attachment;
  /** Aborts the wait for a new agent, and ends it. */
  signal?: AbortSignal;
  onSpawn?(agent: SpawnedAgent): void;
}

/**
 * The agent that runs, or a new one.
 * @returns the connection; `spawned` only when this call started it
 * @throws InterlockError why a new one did not start
 */
export async function obtainAgent(
  session: CliSession,
  options: ObtainOptions,
): Promise<{ client: AgentClient; spawned: SpawnedAgent | undefined }> {
  const running = await findRunningAgent(session);
  if (running !== undefined) return { client: running, spawned: undefined };
  const spawned = await spawnAgent(session, options.attachment);
  options.onSpawn?.(spawned);
  const answered = await waitForAgent(session, spawned, options.signal);
  if (answered instanceof AgentClient) return { client: answered, spawned };
  if (options.signal?.aborted === true) {
    throw new InterlockError({
      code: 'agent_stopping',
      message: 'Interrupted before the agent was ready; it has ended.',
    });
  }
  const winner = await waitForWinner(session, spawned.pid);
  if (winner !== undefined) return { client: winner, spawned: undefined };
  throw answered.error;
}

/** Starts an agent in the background, or finds the one that is there. */
export async function startAgent(session: CliSession): Promise<StartResult> {
  const { client, spawned } = await obtainAgent(session, { attachment: 'background' });
  spawned?.child.unref();
  const { pid, socketPath } = client.record;
  client.dispose();
  return {
    outcome: spawned === undefined ? 'already_running' : 'started',
    ...{ pid, socketPath, stateFolder: session.stateFolder },
    logFile: path.join(session.stateFolder, 'agent.log'),
  };
}

/** Two starts at one time: the second agent leaves because the first one listens. */
async function waitForWinner(
  session: CliSession,
  ownPid: number,
): Promise<AgentClient | undefined> {
  const { clock } = session.io;
  const deadlineMs = clock.monotonic() + WINNER_DEADLINE_MS;
  for (;;) {
    const record = readAgentRecord(session.stateFolder);
    if (record === undefined || record.pid === ownPid) return undefined;
    if (!isSameProcessAlive(record.pid, record.processStart)) return undefined;
    try {
      return await connectRecord(record, clock);
    } catch {
      if (clock.monotonic() > deadlineMs) return undefined;
    }
    await sleep(clock, 50);
  }
}

/**
 * Stops the agent and waits until its process is gone.
 * @throws InterlockError `no_agent` when none runs
 */
export async function stopAgent(session: CliSession): Promise<StopResult> {
  const record = readAgentRecord(session.stateFolder);
  if (record === undefined || !isSameProcessAlive(record.pid, record.processStart)) {
    throw new InterlockError({
      code: 'no_agent',
      message: `No agent runs for ${session.workspace} (state folder ${session.stateFolder}).`,
      remedy: 'There is nothing to stop. If you meant another workspace, add --workspace DIR.',
    });
  }
  const { pid, processStart } = record;
  const { clock } = session.io;
  const withinMs = await askToStop(session, record);
  const deadlineMs = Math.max(STOP_DEADLINE_MS, withinMs + STOP_RESERVE_MS);
  if (await waitUntilGone(pid, processStart, deadlineMs, clock)) {
    return { outcome: 'stopped', pid, forced: false };
  }
  sendSignal(record, 'SIGKILL');
  if (await waitUntilGone(pid, processStart, KILL_DEADLINE_MS, clock)) {
    return { outcome: 'stopped', pid, forced: true };
  }
  throw new InterlockError({
    code: 'timeout',
    message: `The agent (process ${pid}) is still there after SIGKILL.`,
    remedy: 'Look at the process with "ps"; it may hang in the kernel.',
  });
}

/** Over the socket; by signal when it does not answer there. @returns how long it may take; 0: unknown */
async function askToStop(session: CliSession, record: AgentRecord): Promise<number> {
  try {
    const client = await connectRecord(record, session.io.clock);
    // An answer may be cut off by the very stop: what counts is that the process ends.
    const answer = await client.request(requests.stop, {}).catch(() => undefined);
    client.dispose();
    return answer?.withinMs ?? 0;
  } catch {
    sendSignal(record, 'SIGTERM');
    return 0;
  }
}

/** Only to the very process of the record: its id may have been given to another one by now. */
function sendSignal(record: AgentRecord, signal: NodeJS.Signals): void {
  if (!isSameProcessAlive(record.pid, record.processStart)) return;
  try {
    process.kill(record.pid, signal);
  } catch {
    // It ended in between.
  }
}
