/** @throws RangeError when there is nothing */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  if (upper === undefined || lower === undefined) throw new RangeError('no values');
  return (lower + upper) / 2;
}

/** The median of what each round says: whatever slows the machine slows both sides of a round. */
export function medianRatio(ours: readonly number[], peer: readonly number[]): number {
  return median(ours.flatMap((value, round) => (peer[round] ? [value / peer[round]] : [])));
}

/** The smallest value that so large a part of all does not exceed. @throws RangeError when there is nothing */
export function quantile(values: readonly number[], part: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const found = sorted[Math.max(0, Math.ceil(part * sorted.length) - 1)];
  if (found === undefined) throw new RangeError('no values');
  return found;
}
