import type { JobState } from '../../agent/protocol/model.ts';

/** The key of a job in the agent's state. */
export function jobKey(row: { queue: string; id: string }): string {
  return `${row.queue}/${row.id}`;
}

/** The jobs of one queue in one state. */
export function jobGroupKey(queue: string, state: JobState): string {
  return `${state}/${queue}`;
}
