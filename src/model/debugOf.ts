import type { DebugRow } from '../../agent/protocol/debug.ts';
import { jobKey } from './jobKey.ts';
import type { Store } from './store.ts';

/** The debugging of a job's run that goes on; undefined: it has none. */
export function debugOf(
  store: Store,
  job: { queue: string; id: string } | null,
): DebugRow | undefined {
  if (job === null) return undefined;
  const key = jobKey(job);
  for (const row of store.rows('debugs').values()) {
    const isOver = row.state === 'ended' || row.state === 'undebugged';
    if (row.job !== null && jobKey(row.job) === key && !isOver) return row;
  }
  return undefined;
}
