import { lockAgeLevel } from '../protocol/ageLevels.ts';
import type { AgeThresholds, LockKind, LockRow } from '../protocol/model.ts';

export interface LockFilter {
  kind?: LockKind | undefined;
  /** Found in name, subject or holder. */
  search?: string | undefined;
  olderThanMs?: number | undefined;
}

/** Many of the last one are no news. */
const KINDS: LockKind[] = ['scheduler', 'stream', 'run', 'job', 'watched', 'dedup'];

/** What needs a person first; then by kind and name. */
export function inOrder(rows: LockRow[], thresholds: AgeThresholds): LockRow[] {
  return rows
    .map((row) => ({
      row,
      rank: urgency(row, thresholds),
      kind: KINDS.indexOf(row.kind),
    }))
    .sort((a, b) => a.rank - b.rank || a.kind - b.kind || compareTexts(a.row.name, b.row.name))
    .map(({ row }) => row);
}

export function matchesFilter(row: LockRow, { kind, search, olderThanMs }: LockFilter): boolean {
  if (kind !== undefined && row.kind !== kind) return false;
  if (olderThanMs !== undefined && (row.ageMs ?? 0) <= olderThanMs) return false;
  if (search === undefined) return true;
  const { holder, job } = row;
  const by = holder === null ? '' : `${holder.host}:${holder.pid} ${holder.role} ${holder.agentId}`;
  const text = [row.name, row.subject, job?.id ?? '', by].join('\n').toLowerCase();
  return text.includes(search.toLowerCase());
}

/** 0 = first. */
function urgency(row: LockRow, thresholds: AgeThresholds): number {
  if (row.state === 'holder_dead') return 0;
  if (row.state === 'orphaned') return 1;
  const level = lockAgeLevel(row.kind, row.ageMs, thresholds);
  if (level === 'emergency') return 2;
  if (level !== 'normal') return 3;
  if (row.state === 'expiring') return 4;
  return row.state === 'paused' ? 5 : 6;
}

/** By code, not by language: the same on every machine, and fast for many. */
function compareTexts(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
