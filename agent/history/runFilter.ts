import type { RunRow } from '../protocol/model.ts';

export interface RunFilter {
  type?: string | undefined;
  key?: string | undefined;
  status?: RunRow['status'] | undefined;
  /** Only runs that go on, for longer than that. */
  runningLongerThanMs?: number | undefined;
  limit: number;
  offset: number;
}

export function matchesRun(run: RunRow, filter: RunFilter): boolean {
  if (filter.type !== undefined && run.type !== filter.type) return false;
  if (filter.key !== undefined && run.key !== filter.key) return false;
  if (filter.status !== undefined && run.status !== filter.status) return false;
  if (filter.runningLongerThanMs === undefined) return true;
  return run.status === 'running' && run.durationMs > filter.runningLongerThanMs;
}

/** Whether a run that has ended can match at all. */
export function wantsEnded(filter: RunFilter): boolean {
  return filter.status !== 'running' && filter.runningLongerThanMs === undefined;
}
