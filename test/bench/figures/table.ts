/** A table beside that of the figures: measured for its own sake, without bars. */
export interface Table {
  title: string;
  columns: readonly string[];
  /** As many cells in each as there are columns. */
  rows: readonly (readonly string[])[];
  /** What the table does not say by itself. */
  note: string;
}
