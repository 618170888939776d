import type { AgentClient } from '../../agent/protocol/agentClient.ts';

/** A list of which the agent sends only the first rows unasked. */
export interface PageSource {
  /** How many rows there are that are not known here. */
  readonly remaining: number;
  /** Asks for the next rows. */
  load(client: AgentClient): Promise<void>;
}

/** Rows that were loaded beyond what the agent sends unasked, by group. */
export class Pages<Row> {
  private readonly rowsByGroup = new Map<string, Map<string, Row>>();

  constructor(private readonly keyOf: (row: Row) => string) {}

  add(group: string, rows: readonly Row[]): void {
    const known = this.rowsByGroup.get(group) ?? new Map<string, Row>();
    for (const row of rows) known.set(this.keyOf(row), row);
    this.rowsByGroup.set(group, known);
  }

  rows(group: string): ReadonlyMap<string, Row> {
    return this.rowsByGroup.get(group) ?? new Map<string, Row>();
  }

  /** A row that the agent reports on again, or that is gone, is no longer shown from here. */
  drop(key: string): void {
    for (const group of this.rowsByGroup.values()) group.delete(key);
  }

  find(key: string): Row | undefined {
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
