import type { AgentEntry } from './agentRegistry.ts';

/** The id of the BullMQ worker that made a lock: the token is that id and a count. */
export function workerIdOf(token: string): string {
  return token.slice(0, token.lastIndexOf(':'));
}

/**
 * Whether a job runs, or ran, in a worker that no agent started. The token of its lock is the proof:
 * BullMQ keeps the name of a former worker where the present one has none.
 * @param agents those that are known, dead ones too
 * @param token null: nobody has seen it; then the name decides
 * @param workerName what BullMQ keeps in the job; '' for none
 */
export function isOutside(
  agents: readonly Pick<AgentEntry, 'agentId' | 'workers'>[],
  token: string | null,
  workerName: string,
): boolean {
  const worker = token === null ? null : workerIdOf(token);
  if (worker !== null && agents.some(({ workers }) => workers.includes(worker))) return false;
  const named = agents.find(({ agentId }) => agentId === workerName);
  if (named === undefined) return true;
  // An agent that has not told its workers yet may have made the lock.
  return worker !== null && named.workers.length > 0;
}

/** The name of a worker outside; null for none. BullMQ may have kept that of an agent. */
export function outsideName(
  agents: readonly Pick<AgentEntry, 'agentId'>[],
  workerName: string,
): string | null {
  const isAgent = agents.some(({ agentId }) => agentId === workerName);
  return workerName === '' || isAgent ? null : workerName;
}
