import { Queue, Worker } from 'bullmq';
import * as z from 'zod';
import { timeCalls } from './serveSide.ts';
import { benchTick, type SideOutcome } from './sideProtocol.ts';

/** So many wait for Redis at one time: one after the other would be slower by far. */
const IN_FLIGHT = 64;
const CONCURRENCY = 16;
const SILENT_FOR_MS = 10_000;
const KEPT = { removeOnComplete: { count: 1_000 }, removeOnFail: { count: 5_000 } };

const numbered = z.object({ seq: z.number().int() });

interface Connection {
  path: string;
}

/** One BullMQ job for each tick, as a program would make it that knows no batches. */
export async function addEach(
  connection: Connection,
  name: string,
  count: number,
): Promise<number> {
  const queue = new Queue(name, { connection });
  await queue.waitUntilReady();
  const tookMs = await timeCalls(count, IN_FLIGHT, (n) =>
    queue.add('tick', benchTick('S0', n + 1, Date.now()), KEPT),
  );
  await queue.close();
  return tookMs;
}

/** A bare worker; `lost` counts ticks that came twice or not at all. */
export async function handleEach(
  connection: Connection,
  name: string,
  count: number,
): Promise<SideOutcome> {
  const seen = new Uint8Array(count + 1);
  let handled = 0;
  let distinct = 0;
  const worker = new Worker(
    name,
    (job) => {
      const { seq } = numbered.parse(job.data);
      handled += 1;
      if (seen[seq] === 0) distinct += 1;
      seen[seq] = 1;
      return Promise.resolve({ touched: 1 });
    },
    { connection, concurrency: CONCURRENCY },
  );
  worker.on('error', (error) => process.stderr.write(`${error.message}\n`));
  await worker.waitUntilReady();
  const startedAt = performance.now();
  let changedAt = startedAt;
  let before = 0;
  while (distinct < count && performance.now() - changedAt < SILENT_FOR_MS) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    if (handled !== before) changedAt = performance.now();
    before = handled;
  }
  const ms = performance.now() - startedAt;
  await worker.close();
  return { ms, lost: count - distinct + (handled - distinct) };
}
