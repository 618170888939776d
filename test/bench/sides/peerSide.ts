// The other side of the comparisons: BullMQ and ws as everybody has them, from node_modules.
// Arguments: URL of the Redis, folder of the handlers.
import * as path from 'node:path';
import { pathToFileURL } from 'node:url';
import { Queue, Worker, type JobsOptions, type Processor } from 'bullmq';
import { WebSocket } from 'ws';
import * as z from 'zod';
import { systemClock } from '../../../agent/common/clock.ts';
import { newJobId } from '../../../agent/jobs/jobId.ts';
import { BarePool } from './barePool.ts';
import { addEach, handleEach } from './bareTicks.ts';
import { serveSide, timeCalls } from './serveSide.ts';
import { JOB_TYPE, keyOf, payload, type SideOutcome, type SideRequest } from './sideProtocol.ts';

const [, , redisUrl = '', programs = ''] = process.argv;
const handler = path.join(programs, 'handlers', 'echo.mjs');
const connection = { path: new URL(redisUrl).pathname };

const handlerModule = z.object({
  default: z.custom<Processor>((value) => typeof value === 'function'),
});

let queue: Queue | undefined;
let worker: Worker | undefined;
let pool: BarePool | undefined;

async function perform(request: SideRequest): Promise<SideOutcome> {
  switch (request.do) {
    case 'enqueue':
      return enqueue(request);
    case 'work':
      worker = await startWorker(request);
      return 0;
    case 'rest':
      await worker?.close();
      worker = undefined;
      return 0;
    case 'receive':
      return receive(request);
    case 'openPool':
      pool = await BarePool.open(request);
      return 0;
    case 'takeTicks':
      return pool?.take(request.count) ?? 0;
    case 'closePool':
      pool?.close();
      return 0;
    case 'addEach':
      return addEach(connection, request.queue, request.count);
    case 'handleEach':
      return handleEach(connection, request.queue, request.count);
    case 'openBatching':
    case 'batchTicks':
      throw new Error(`only our side can ${request.do}`);
  }
}

type Enqueue = Extract<SideRequest, { do: 'enqueue' }>;

/** The same options as ours, which a person would have to write. */
async function enqueue(request: Enqueue): Promise<number> {
  const { variant, count, inFlight, round, keys } = request;
  queue ??= new Queue('default', { connection });
  const target = queue;
  await target.waitUntilReady();
  return timeCalls(count, inFlight, (n) => {
    const key = keyOf(round, n, keys);
    const options: JobsOptions = {
      jobId: newJobId(systemClock),
      attempts: 1,
      removeOnComplete: { count: 1_000, age: 24 * 3_600 },
      removeOnFail: { count: 5_000, age: 7 * 24 * 3_600 },
    };
    if (variant === 'unique') options.deduplication = { id: `${JOB_TYPE}|${key}` };
    return target.add(JOB_TYPE, payload(n, key), options);
  });
}

type Work = Extract<SideRequest, { do: 'work' }>;

async function startWorker({ queue: name, isolation, concurrency }: Work): Promise<Worker> {
  const processor =
    isolation === 'process'
      ? handler
      : handlerModule.parse(await import(pathToFileURL(handler).href)).default;
  const started = new Worker(name, processor, { connection, concurrency });
  started.on('error', (error) => process.stderr.write(`${error.message}\n`));
  await started.waitUntilReady();
  return started;
}

type Receive = Extract<SideRequest, { do: 'receive' }>;

/** Counts messages and does nothing else. */
function receive({ url, count }: Receive): Promise<number> {
  return new Promise((resolve, reject) => {
    let received = 0;
    let startedAt = 0;
    const socket = new WebSocket(url, { perMessageDeflate: false });
    socket.on('open', () => socket.send(JSON.stringify({ op: 'subscribe', symbols: ['A'] })));
    socket.on('error', reject);
    socket.on('message', () => {
      if (received === 0) startedAt = performance.now();
      received += 1;
      if (received < count) return;
      const tookMs = performance.now() - startedAt;
      socket.terminate();
      resolve(tookMs);
    });
  });
}

serveSide(perform);
