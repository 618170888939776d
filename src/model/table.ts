/** A row before and after a change; undefined where there was, or is, none. */
export interface RowChange<Row> {
  before: Row | undefined;
  after: Row | undefined;
}

/** Rows of one collection by key. It knows whether a row really became another one. */
export class Table<Row> {
  private readonly rowsByKey = new Map<string, Row>();

  get rows(): ReadonlyMap<string, Row> {
    return this.rowsByKey;
  }

  /** Sets a row, or removes it with null. @returns undefined when nothing is different now */
  set(key: string, row: Row | null): RowChange<Row> | undefined {
    const before = this.rowsByKey.get(key);
    if (row === null) {
      this.rowsByKey.delete(key);
      return before === undefined ? undefined : { before, after: undefined };
    }
    if (before !== undefined && JSON.stringify(before) === JSON.stringify(row)) return undefined;
    this.rowsByKey.set(key, row);
    return { before, after: row };
  }

  /** Makes these rows all there is. @returns what is different now */
  replace(rows: Record<string, Row>): Map<string, RowChange<Row>> {
    const changes = new Map<string, RowChange<Row>>();
    for (const key of [...this.rowsByKey.keys()]) {
      if (!Object.hasOwn(rows, key)) this.note(changes, key, null);
    }
    for (const [key, row] of Object.entries(rows)) this.note(changes, key, row);
    return changes;
  }

  private note(changes: Map<string, RowChange<Row>>, key: string, row: Row | null): void {
    const change = this.set(key, row);
    if (change !== undefined) changes.set(key, change);
  }
}
