// A BullMQ worker as people write them, in a process of its own: `bareWorker.ts <options as JSON>`.
// A job with `blockMs` blocks its event loop for so long, at its first start in the worker of that name.
import { pathToFileURL } from 'node:url';
import { Worker, type WorkerOptions } from 'bullmq';
import { Redis } from 'ioredis';
import * as z from 'zod';
import { startProcess, type StartedProcess } from './childProcess.ts';

const options = z.object({
  /** Of Redis, as a test server tells it. */
  url: z.string(),
  prefix: z.string().default('bull'),
  queue: z.string(),
  name: z.string().optional(),
  lockDuration: z.number().default(30_000),
  /** Left out: it does not look for stalled jobs. */
  stalledInterval: z.number().optional(),
  maxStalledCount: z.number().default(1),
});

export type BareWorkerOptions = z.input<typeof options>;

const work = z.object({ blockMs: z.number().default(0), waitMs: z.number().default(0) });

/** Starts one; it takes jobs a moment later. */
export function startBareWorker(given: BareWorkerOptions): Promise<StartedProcess> {
  const file = new URL(import.meta.url).pathname;
  return startProcess(process.execPath, ['--import', 'tsx', file, JSON.stringify(given)]);
}

function run(): void {
  const given = options.parse(JSON.parse(process.argv[2] ?? '{}'));
  const { url, prefix, queue, name, lockDuration, stalledInterval, maxStalledCount } = given;
  const path = url.replace('unix://', '');
  const connection = new Redis(path, { maxRetriesPerRequest: null });
  const checks: Partial<WorkerOptions> =
    stalledInterval === undefined ? { skipStalledCheck: true } : { stalledInterval };
  const worker = new Worker(
    queue,
    async (job) => {
      const { blockMs, waitMs } = work.parse(job.data);
      const untilMs = performance.now() + (job.attemptsStarted === 1 ? blockMs : 0);
      while (performance.now() < untilMs);
      await new Promise((resolve) => setTimeout(resolve, waitMs));
      return 'done';
    },
    {
      ...{ connection, prefix, lockDuration, maxStalledCount, ...checks },
      ...(name === undefined ? {} : { name }),
    },
  );
  worker.on('error', () => undefined);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) run();
