/** How many rows there are of each kind. A map: a kind may be any text. */
export function countBy<Row, K extends string>(
  rows: readonly Row[],
  of: (row: Row) => K,
): Map<K, number> {
  const counts = new Map<K, number>();
  for (const row of rows) {
    const kind = of(row);
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
  return counts;
}
