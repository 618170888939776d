import type { AgentRow } from '../../protocol/model.ts';
import { ago } from './ages.ts';
import type { Style } from './style.ts';
import { formatCount, plural, renderTable } from './table.ts';

/** Leases that are named; of more only their number is told. */
const NAMED_LEASES = 3;

export function agentsText(rows: readonly AgentRow[], nowMs: number, style: Style): string {
  return renderTable(
    rows,
    [
      { title: 'role', value: (row) => row.role },
      { title: 'agent', value: (row) => row.agentId },
      { title: 'process', value: (row) => `${row.host}:${row.pid}` },
      { title: 'state', value: (row) => stateText(row, style) },
      { title: 'written', value: (row) => ago(row.heartbeatAt, nowMs) },
      { title: 'runs', value: (row) => formatCount(row.runsInProgress), align: 'right' },
      { title: 'workers', value: (row) => formatCount(row.workers), align: 'right' },
      { title: 'holds', value: leasesText },
    ],
    style,
  );
}

/** `3 agents: 1 scheduler, 2 worker`, and what is wrong with some. */
export function agentsLine(rows: readonly AgentRow[], style: Style): string {
  const roles = new Map<string, number>();
  for (const { role } of rows) roles.set(role, (roles.get(role) ?? 0) + 1);
  const parts = [...roles].map(([role, count]) => `${formatCount(count)} ${role}`);
  const troubled = rows.filter(({ state }) => state === 'dead' || state === 'silent');
  const trouble =
    troubled.length === 0 ? '' : style.warning(`; ${troubled.map(troubleText).join(', ')}`);
  return `${style.heading('Agents')}     ${plural(rows.length, 'agent')}: ${parts.join(', ')}${trouble}`;
}

function troubleText({ agentId, host, pid, state }: AgentRow): string {
  return `${agentId} (${host}:${pid}) is ${state}`;
}

function leasesText({ leases }: AgentRow): string {
  if (leases.length === 0) return '-';
  const named = leases.slice(0, NAMED_LEASES).join(', ');
  const more = leases.length - NAMED_LEASES;
  return more > 0 ? `${named} and ${formatCount(more)} more` : named;
}

function stateText({ state }: AgentRow, style: Style): string {
  if (state === 'dead') return style.bad(state);
  return state === 'silent' ? style.warning(state) : style.good(state);
}
