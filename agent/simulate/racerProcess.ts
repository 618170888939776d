/**
 * One process of a simulated race: asks for jobs with the product's own enqueuer, and runs them with
 * a real BullMQ worker. Its handler is a probe that counts runs; the user's handler is not run.
 */
import { Worker } from 'bullmq';
import { systemClock } from '../common/clock.ts';
import { deferred } from '../common/deferred.ts';
import { toInterlockError } from '../common/errors.ts';
import { configSchema } from '../config/schema.ts';
import { DecisionLog } from '../decisions/decisionLog.ts';
import { Enqueuer } from '../jobs/enqueuer.ts';
import { QueueSet } from '../jobs/queueSet.ts';
import { createLogger } from '../logging.ts';
import { RedisConnections } from '../redis/connections.ts';
import { Keys } from '../redis/keys.ts';
import { Scripts } from '../redis/scripts.ts';
import { toRacer, type FromRacer, type RacerSetup } from './racerMessages.ts';
import { RunProbe } from './runProbe.ts';

const STDERR = 2;
/** Attempts of one racer that are under way at one time. */
const LANES = 50;
const ANSWERS_PER_REPORT = 20;

interface Racer {
  race(): Promise<void>;
  release(): void;
  finish(): Promise<void>;
}

async function setUp(setup: RacerSetup): Promise<Racer> {
  const { prefix, jobType, typeConfig } = setup;
  const connections = await RedisConnections.open(setup.target, 'interlock-racer');
  const redis = connections.commands;
  const config = configSchema.parse({ redis: { prefix }, jobs: { [jobType]: typeConfig } });
  const queues = new QueueSet(redis, config);
  const decisions = new DecisionLog(
    ...([redis, new Scripts(redis), new Keys(prefix), systemClock] as const),
    createLogger(STDERR, 'silent'),
  );
  const enqueuer = new Enqueuer({
    ...{ config, decisions, clock: systemClock },
    queueOf: (name) => queues.get(name),
  });
  const probe = new RunProbe(redis, prefix);
  const released = deferred<undefined>();
  const worker = new Worker(
    typeConfig.queue,
    async () => {
      await probe.start();
      await released.promise;
      await probe.end();
    },
    { connection: connections.patient('worker'), prefix, concurrency: typeConfig.concurrency },
  );
  worker.on('error', () => undefined);
  await worker.waitUntilReady();
  return {
    race: () => race(enqueuer, setup),
    release: () => released.resolve(undefined),
    async finish() {
      await worker.close();
      await decisions.flush();
      connections.close();
    },
  };
}

async function race(enqueuer: Enqueuer, { jobType, data, attempts }: RacerSetup): Promise<void> {
  const refusedByLayer: Record<string, number> = {};
  let accepted = 0;
  let begun = 0;
  let unreported = 0;
  const lane = async () => {
    while (begun < attempts) {
      begun += 1;
      const decision = await enqueuer.enqueue({ type: jobType, data });
      if (decision.outcome === 'accepted') accepted += 1;
      else refusedByLayer[decision.reason] = (refusedByLayer[decision.reason] ?? 0) + 1;
      unreported += 1;
      if (unreported < ANSWERS_PER_REPORT) continue;
      tell({ kind: 'progress', answered: unreported });
      unreported = 0;
    }
  };
  await Promise.all(Array.from({ length: Math.min(LANES, attempts) }, lane));
  tell({ kind: 'progress', answered: unreported });
  tell({ kind: 'answered', accepted, refusedByLayer });
}

function tell(message: FromRacer): void {
  // The callback takes the error of a closed channel: the disconnect event ends us then.
  process.send?.(message, undefined, undefined, () => undefined);
}

let racer: Racer | undefined;

async function take(raw: unknown): Promise<void> {
  const message = toRacer.parse(raw);
  switch (message.kind) {
    case 'setup':
      racer = await setUp(message);
      tell({ kind: 'ready' });
      return;
    case 'go':
      await racer?.race();
      return;
    case 'release':
      racer?.release();
      return;
    case 'finish':
      await racer?.finish();
      process.exit(0);
  }
}

process.on('message', (raw) => {
  take(raw).catch((thrown: unknown) => {
    const { code, message, remedy } = toInterlockError(thrown);
    tell({ kind: 'failed', code, message, ...(remedy === undefined ? {} : { remedy }) });
  });
});
// The race is over when who started it is gone.
process.on('disconnect', () => process.exit(1));
// A terminal's Ctrl+C reaches the whole group: who started the race ends it in order.
process.on('SIGINT', () => undefined);
