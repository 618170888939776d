/**
 * One process of a simulated race: asks for jobs with the product's own enqueuer, and runs them with
 * its own workers. In place of the handler a probe counts runs; the user's handler is not run.
 */
import { systemClock } from '../common/clock.ts';
import { deferred } from '../common/deferred.ts';
import { toInterlockError } from '../common/errors.ts';
import { configSchema } from '../config/schema.ts';
import { DecisionLog } from '../decisions/decisionLog.ts';
import { Enqueuer } from '../jobs/enqueuer.ts';
import { QueueSet } from '../jobs/queueSet.ts';
import { WorkerPool } from '../jobs/workerPool.ts';
import { createLogger } from '../logging.ts';
import type { Decision } from '../protocol/decision.ts';
import { RedisConnections } from '../redis/connections.ts';
import { Keys } from '../redis/keys.ts';
import { Scripts } from '../redis/scripts.ts';
import { ProbeRunner } from './probeRunner.ts';
import { toRacer, type FromRacer, type RacerSetup } from './racerMessages.ts';
import { RunProbe } from './runProbe.ts';
import { SAMPLE_VALUE } from './samplePayload.ts';

const STDERR = 2;
/** Attempts of one racer that are under way at one time. */
const LANES = 50;
const ANSWERS_PER_REPORT = 20;
const CLOSE_MS = 5_000;

interface Racer {
  race(): Promise<void>;
  release(): void;
  finish(): Promise<void>;
}

async function setUp(setup: RacerSetup): Promise<Racer> {
  const { prefix, jobType, typeConfig, deduplication } = setup;
  const connections = await RedisConnections.open(setup.target, 'interlock-racer');
  const redis = connections.commands;
  const jobs = { [jobType]: typeConfig };
  const config = configSchema.parse({ redis: { prefix }, jobs, deduplication });
  const logger = createLogger(STDERR, 'silent');
  const clock = systemClock;
  const keys = new Keys(prefix);
  const scripts = new Scripts(redis);
  const decisions = new DecisionLog(redis, keys, logger);
  const enqueuing = new Enqueuer({
    ...{ config, decisions, clock, redis, keys, scripts },
    queues: new QueueSet(redis, config),
    customKey: () => Promise.resolve(SAMPLE_VALUE),
  });
  const released = deferred<undefined>();
  const runner = new ProbeRunner(new RunProbe(redis, prefix), released.promise, SAMPLE_VALUE);
  const startWorkers = () =>
    new WorkerPool({
      ...{ config, workspace: process.cwd(), scripts, keys, decisions, enqueuing, clock, logger },
      ...{ agentId: `racer-${process.pid}`, connection: connections.patient('worker') },
      createRunner: () => runner,
      onEnded: () => undefined,
      onRunsChange: () => undefined,
    });
  let workers = setup.workersWait ? undefined : startWorkers();
  return {
    race: () => race(enqueuing, setup),
    release: () => {
      workers ??= startWorkers();
      released.resolve(undefined);
    },
    async finish() {
      await workers?.close(CLOSE_MS, 0);
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
      else {
        const layer = layerOf(decision);
        refusedByLayer[layer] = (refusedByLayer[layer] ?? 0) + 1;
      }
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

/** What kept a job from coming in as one of its own. */
function layerOf({ outcome, reason }: Decision): string {
  return outcome === 'replaced' || outcome === 'rescheduled' ? outcome : reason;
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
