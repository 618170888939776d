import type { JobRow, JobState } from '../../agent/protocol/model.ts';

/** Rows that were loaded beyond what the agent sends unasked, by queue and state. */
export class JobPages {
  private readonly rowsByGroup = new Map<string, Map<string, JobRow>>();

  add(queue: string, state: JobState, rows: readonly JobRow[]): void {
    const group = this.rowsByGroup.get(groupKey(queue, state)) ?? new Map<string, JobRow>();
    for (const row of rows) group.set(jobKey(row), row);
    this.rowsByGroup.set(groupKey(queue, state), group);
  }

  rows(queue: string, state: JobState): ReadonlyMap<string, JobRow> {
    return this.rowsByGroup.get(groupKey(queue, state)) ?? new Map<string, JobRow>();
  }

  /** A job that the agent reports on again, or that is gone, is no longer shown from here. */
  drop(key: string): void {
    for (const group of this.rowsByGroup.values()) group.delete(key);
  }

  find(key: string): JobRow | undefined {
    for (const group of this.rowsByGroup.values()) {
      const row = group.get(key);
      if (row !== undefined) return row;
    }
    return undefined;
  }

  clear(): void {
    this.rowsByGroup.clear();
  }
}

/** The key of a job in the agent's state. */
export function jobKey(row: { queue: string; id: string }): string {
  return `${row.queue}/${row.id}`;
}

function groupKey(queue: string, state: JobState): string {
  return `${state}/${queue}`;
}
