import { Queue, Worker } from 'bullmq';
import * as z from 'zod';
import { sleep, systemClock } from '../../../common/clock.ts';
import { redisNowMs } from '../../../redis/redisNow.ts';
import { partOf, type OpenPart, type PartContext } from './part.ts';

const QUEUE = 'default';

const optionsSchema = z.object({
  job: z.string(),
  everyMs: z.number().int(),
  /** Redis time of slot 0, ms. */
  zeroMs: z.number(),
  slots: z.number().int(),
  /** When the first run ends, ms after slot 0, and how long the others take; left out: it runs none. */
  runs: z.object({ firstEndsAtMs: z.number(), durationMs: z.number() }).optional(),
});

type Options = z.infer<typeof optionsSchema>;

/** Enqueues at each slot without any rule, as a timer in a service does, and runs one at a time. */
export const openNaiveTimer: OpenPart = async (context, raw) => {
  const options = optionsSchema.parse(raw);
  const { redis, prefix, connections, fail } = context;
  const queue = new Queue(QUEUE, { connection: redis, prefix });
  queue.on('error', fail);
  const { runs } = options;
  if (runs !== undefined) {
    const worker = new Worker(QUEUE, () => run(context, options.zeroMs, runs), {
      ...{ connection: connections.patient('worker'), prefix, concurrency: 1 },
    });
    worker.on('error', fail);
    await worker.waitUntilReady();
  }
  const skewMs = (await redisNowMs(redis)) - systemClock.now();
  enqueueSlots(queue, context, options, skewMs).catch(fail);
  return partOf();
};

async function enqueueSlots(
  queue: Queue,
  { log }: PartContext,
  { job, everyMs, zeroMs, slots }: Options,
  skewMs: number,
): Promise<void> {
  for (let slot = 0; slot < slots; slot += 1) {
    await sleep(systemClock, zeroMs + slot * everyMs - skewMs - systemClock.now());
    const { id = '' } = await queue.add(job, { slot });
    const waiting = await queue.getWaitingCount();
    const active = await queue.getActiveCount();
    const behind = active > 0 && waiting > 0 ? `, ${waiting} waiting behind the one that runs` : '';
    await log.tell(`slot ${slot + 1}: ${job} enqueued${behind}`, {
      tone: behind === '' ? 'neutral' : 'bad',
      fact: { kind: 'enqueued', slot, job: id },
    });
  }
}

async function run(
  { log, redis }: PartContext,
  zeroMs: number,
  { firstEndsAtMs, durationMs }: NonNullable<Options['runs']>,
): Promise<void> {
  const run = await log.nextRun();
  await log.tell(`run ${run} starts`, { fact: { kind: 'run_started', run, fence: null } });
  const leftMs = run === 1 ? zeroMs + firstEndsAtMs - (await redisNowMs(redis)) : durationMs;
  await sleep(systemClock, leftMs);
  await log.tell(`run ${run} ends`, { fact: { kind: 'run_ended', run } });
}
