import { visibleLength, type Style } from './style.ts';

export interface Column<Row> {
  title: string;
  value(row: Row): string;
  align?: 'left' | 'right';
}

const GAP = '  ';

/** Aligned columns with a quiet heading. */
export function renderTable<Row>(
  rows: readonly Row[],
  columns: Column<NoInfer<Row>>[],
  style: Style,
): string {
  const cells = rows.map((row) => columns.map((column) => column.value(row)));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...cells.map((line) => visibleLength(line[index] ?? ''))),
  );
  const line = (values: string[]) =>
    columns
      .map((column, index) => {
        const value = values[index] ?? '';
        const filler = ' '.repeat(Math.max(0, (widths[index] ?? 0) - visibleLength(value)));
        return column.align === 'right' ? filler + value : value + filler;
      })
      .join(GAP)
      .trimEnd();
  const heading = style.quiet(line(columns.map((column) => column.title)));
  return [heading, ...cells.map(line)].join('\n');
}

/** `1 job`, `3 jobs`. */
export function plural(count: number, singular: string, several = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : several}`;
}

/** `1,234,567`, the same on every machine. */
export function formatCount(count: number): string {
  return count.toLocaleString('en-US');
}
