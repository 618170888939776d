import { appendFileSync } from 'node:fs';
import * as path from 'node:path';

const file = path.join(process.env.BENCH_TICKS_FOLDER, `${process.pid}`);

/** Touches each tick, and writes down which ones it had: one line for a batch. */
export default async function countTicks(job) {
  const { stream, shard, fence, firstSeq, lastSeq, ticks } = job.data;
  let touched = 0;
  for (const { seq, price } of ticks) if (seq > 0 && price > 0) touched += 1;
  appendFileSync(file, `${stream} ${shard} ${fence} ${firstSeq} ${lastSeq} ${touched}\n`);
  return { touched };
}
