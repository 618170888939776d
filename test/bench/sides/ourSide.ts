// Our side of the comparisons, built like the product. Arguments: URL of the Redis, folder for logs.
import * as path from 'node:path';
import { systemClock } from '../../../agent/common/clock.ts';
import { systemRandom } from '../../../agent/common/random.ts';
import { configSchema } from '../../../agent/config/schema.ts';
import { DecisionLog } from '../../../agent/decisions/decisionLog.ts';
import { createRunner } from '../../../agent/handlers/createRunner.ts';
import { Enqueuer } from '../../../agent/jobs/enqueuer.ts';
import { leaseTimesOf } from '../../../agent/jobs/leaseTimes.ts';
import { QueueSet } from '../../../agent/jobs/queueSet.ts';
import { WorkerPool } from '../../../agent/jobs/workerPool.ts';
import { createLogger } from '../../../agent/logging.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { Scripts } from '../../../agent/redis/scripts.ts';
import { jsonAdapter } from '../../../agent/streams/adapters/jsonAdapter.ts';
import { Connection } from '../../../agent/streams/connection/connection.ts';
import { Venues } from '../../../agent/streams/connection/venueGate.ts';
import { Batcher } from '../../../agent/streams/pipeline/batcher.ts';
import { BufferBudget } from '../../../agent/streams/pipeline/bufferBudget.ts';
import { OurBatching } from './ourBatching.ts';
import { OurPool } from './ourPool.ts';
import { serveSide, timeCalls } from './serveSide.ts';
import { JOB_TYPE, keyOf, payload, type SideOutcome, type SideRequest } from './sideProtocol.ts';

const [, , redisUrl = '', logFolder = ''] = process.argv;
const handler = path.join(__dirname, 'handlers', 'echo.mjs');
const clock = systemClock;
const random = systemRandom;
const logger = createLogger(path.join(logFolder, 'our-side.log'));

let workers: WorkerPool | undefined;
let pool: OurPool | undefined;
let batching: OurBatching | undefined;

async function main(): Promise<void> {
  const connections = await RedisConnections.open({ kind: 'url', url: redisUrl }, 'bench');
  serveSide((request) => perform(connections, request));
}

async function perform(connections: RedisConnections, request: SideRequest): Promise<SideOutcome> {
  switch (request.do) {
    case 'enqueue':
      return enqueue(connections, request);
    case 'work':
      workers = startWorkers(connections, request);
      return 0;
    case 'rest':
      await workers?.close(5_000, 1_000);
      workers = undefined;
      return 0;
    case 'receive':
      return receive(request);
    case 'openPool':
      pool = await OurPool.open(connections, request, logger, logFolder);
      return 0;
    case 'takeTicks':
      return pool?.take(request.count) ?? 0;
    case 'closePool':
      await pool?.close();
      return 0;
    case 'openBatching':
      batching = new OurBatching(connections, request.folder, logger);
      return 0;
    case 'batchTicks':
      return batching?.run(request.round, request.count) ?? 0;
    case 'addEach':
    case 'handleEach':
      throw new Error(`only the peer can ${request.do}`);
  }
}

function servicesFor(connections: RedisConnections, job: Record<string, unknown>) {
  const redis = connections.commands;
  const config = configSchema.parse({ jobs: { [JOB_TYPE]: { handler, ...job } } });
  const keys = new Keys(config.redis.prefix);
  const decisions = new DecisionLog(redis, keys, logger);
  const queues = new QueueSet(redis, config);
  const scripts = new Scripts(redis);
  const enqueuer = new Enqueuer({
    ...{ config, queues, decisions, clock, redis, keys, scripts },
    customKey: () => Promise.resolve(null),
  });
  return { config, keys, decisions, enqueuer, scripts };
}

type Enqueue = Extract<SideRequest, { do: 'enqueue' }>;

const services = new Map<Enqueue['variant'], ReturnType<typeof servicesFor>>();

function servicesOf(connections: RedisConnections, variant: Enqueue['variant']) {
  const known = services.get(variant);
  if (known !== undefined) return known;
  const made = servicesFor(connections, variant === 'unique' ? { unique: { by: ['key'] } } : {});
  services.set(variant, made);
  return made;
}

/** With the record of the decisions, which belongs to what is asked for. */
function enqueue(connections: RedisConnections, request: Enqueue): Promise<number> {
  const { variant, count, inFlight, round, keys } = request;
  const { enqueuer } = servicesOf(connections, variant);
  return timeCalls(count, inFlight, (n) =>
    enqueuer.enqueue({
      type: JOB_TYPE,
      data: { ...payload(n, keyOf(round, n, keys)) },
    }),
  );
}

type Work = Extract<SideRequest, { do: 'work' }>;

function startWorkers(connections: RedisConnections, request: Work): WorkerPool {
  const { queue, isolation, concurrency, unique } = request;
  const { config, keys, enqueuer, decisions, scripts } = servicesFor(connections, {
    ...{ queue, isolation, concurrency },
    ...(unique ? { unique: { by: ['key'] } } : {}),
  });
  return new WorkerPool({
    ...{ config, workspace: '/', keys, enqueuing: enqueuer, clock, logger },
    ...{ agentId: 'bench', scripts, decisions },
    onEnded: () => undefined,
    connection: connections.patient('workers'),
    onRunsChange: () => undefined,
    createRunner: (type, jobType, file) =>
      createRunner(
        type.isolation,
        {
          ...{ file, jobType, concurrency: type.concurrency, processes: type.processes },
          ...{
            maxRunsPerProcess: type.maxRunsPerProcess,
            silenceMs: leaseTimesOf([type]).silenceMs,
          },
        },
        logger,
        clock,
      ),
  });
}

type Receive = Extract<SideRequest, { do: 'receive' }>;

/** From the first tick to the last one, through connection, adapter, sequence check and batcher. */
function receive({ url, count }: Receive): Promise<number> {
  return new Promise((resolve) => {
    let received = 0;
    let startedAt = 0;
    const batcher = new Batcher({
      ...{ maxTicks: 500, maxWaitMs: 200, lite: false, spillFolder: null, clock, random, logger },
      budget: new BufferBudget({ ticks: 100_000, diskBytes: 0 }),
      send: () => Promise.resolve(),
    });
    const connection = new Connection({
      ...{ shard: 0, url, symbols: ['A'], adapter: jsonAdapter, maxRetries: 0 },
      ...{ limits: {}, venue: new Venues(clock).of(url, {}), clock, random, logger },
      onChange: () => undefined,
      onRotateWanted: () => undefined,
      onTicks: (ticks) => {
        if (received === 0) startedAt = performance.now();
        batcher.add(ticks);
        received += ticks.length;
        if (received < count) return;
        const tookMs = performance.now() - startedAt;
        connection.stop(false);
        void batcher.flush(1_000).then(() => resolve(tookMs));
      },
    });
    connection.start();
  });
}

void main();
