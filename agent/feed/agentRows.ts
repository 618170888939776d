import type { AgentRow, LockRow } from '../protocol/model.ts';
import type { AgentEntry } from '../state/agentRegistry.ts';

/** It writes each 5 s. The clocks of two hosts may differ by some seconds. */
const SILENT_AFTER_MS = 30_000;

/**
 * Every agent of the registry with what it holds, by role and host.
 * @param selfId whose clock `nowMs` is
 */
export function agentRows(
  entries: readonly AgentEntry[],
  locks: readonly LockRow[],
  selfId: string,
  nowMs: number,
): AgentRow[] {
  const held = heldBy(locks);
  const rows = entries.flatMap((entry) => {
    const { agentId, holder, heartbeatMs, workers, streams } = entry;
    if (holder === null) return [];
    const { host, pid, role } = holder;
    const own = held.get(agentId) ?? [];
    return {
      ...{ agentId, host, pid, role, state: stateOf(entry, selfId, nowMs) },
      heartbeatAt: heartbeatMs === null ? null : new Date(heartbeatMs).toISOString(),
      ...{ workers: workers.length, streams: [...streams].sort() },
      runsInProgress: own.filter(({ kind }) => kind === 'run').length,
      leases: own.filter(({ kind }) => kind !== 'run').map(({ name }) => name),
    };
  });
  return rows.sort(byRoleAndHost);
}

function heldBy(locks: readonly LockRow[]): Map<string, LockRow[]> {
  const held = new Map<string, LockRow[]>();
  for (const lock of locks) {
    const isOurs = lock.kind === 'run' || lock.kind === 'scheduler' || lock.kind === 'stream';
    if (!isOurs || lock.holder === null) continue;
    const known = held.get(lock.holder.agentId);
    if (known === undefined) held.set(lock.holder.agentId, [lock]);
    else known.push(lock);
  }
  return held;
}

function stateOf(
  { agentId, holder, heartbeatMs }: AgentEntry,
  selfId: string,
  nowMs: number,
): AgentRow['state'] {
  if (agentId === selfId) return 'self';
  if (holder?.alive === false) return 'dead';
  // A process that is stopped is there, and does not write either.
  const isSilent = heartbeatMs === null || nowMs - heartbeatMs > SILENT_AFTER_MS;
  return isSilent ? 'silent' : 'alive';
}

function byRoleAndHost(a: AgentRow, b: AgentRow): number {
  return a.role.localeCompare(b.role) || a.host.localeCompare(b.host) || a.pid - b.pid;
}
