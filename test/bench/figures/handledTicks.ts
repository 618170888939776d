import { readdirSync, readFileSync } from 'node:fs';
import * as path from 'node:path';

/** What handlers wrote of the batches that they had: see `handlers/countTicks.mjs`. */
export interface HandledTicks {
  /** Different ticks. */
  distinct: number;
  /** Running numbers of ticks that no handler had, up to the highest one that is known. */
  missing: number;
  /** Ticks that a handler had once more. */
  doubled: number;
}

interface Range {
  first: number;
  last: number;
}

/**
 * Adds up what all handler processes wrote.
 * @param folder they have a file each in it
 * @param stream only batches of that stream
 * @throws Error when a handler did not touch each tick of a batch
 */
export function readHandledTicks(folder: string, stream: string): HandledTicks {
  const runs = new Map<string, Range[]>();
  for (const file of readdirSync(folder)) {
    for (const line of readFileSync(path.join(folder, file), 'utf8').split('\n')) {
      const [name, shard, fence, ...numbers] = line.split(' ');
      if (name !== stream) continue;
      const [first = 0, last = 0, touched = 0] = numbers.map(Number);
      if (touched !== last - first + 1) throw new Error(`A handler had not all ticks: ${line}`);
      const run = `${shard}/${fence}`;
      const ranges = runs.get(run) ?? [];
      runs.set(run, ranges);
      ranges.push({ first, last });
    }
  }
  const sum: HandledTicks = { distinct: 0, missing: 0, doubled: 0 };
  for (const ranges of runs.values()) addUp(ranges, sum);
  return sum;
}

/** Ranges of one run of a shard should follow each other, from 1 on. */
function addUp(ranges: Range[], sum: HandledTicks): void {
  let next = 1;
  for (const { first, last } of ranges.sort((one, other) => one.first - other.first)) {
    if (first > next) sum.missing += first - next;
    const again = Math.max(0, Math.min(last, next - 1) - first + 1);
    sum.doubled += again;
    sum.distinct += last - first + 1 - again;
    next = Math.max(next, last + 1);
  }
}
