import * as path from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { sleep, systemClock } from '../../../agent/common/clock.ts';
import { deferred } from '../../../agent/common/deferred.ts';
import { systemRandom } from '../../../agent/common/random.ts';
import { configSchema, type Config } from '../../../agent/config/schema.ts';
import { DecisionLog } from '../../../agent/decisions/decisionLog.ts';
import { createRunner } from '../../../agent/handlers/createRunner.ts';
import { Enqueuer } from '../../../agent/jobs/enqueuer.ts';
import { leaseTimesOf } from '../../../agent/jobs/leaseTimes.ts';
import { QueueSet } from '../../../agent/jobs/queueSet.ts';
import { WorkerPool } from '../../../agent/jobs/workerPool.ts';
import type { Lease } from '../../../agent/leases/lease.ts';
import { RedisLeases } from '../../../agent/leases/redisLeases.ts';
import type { Logger } from '../../../agent/logging.ts';
import type { RedisConnections } from '../../../agent/redis/connections.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { Scripts } from '../../../agent/redis/scripts.ts';
import { currentHolder } from '../../../agent/state/processIdentity.ts';
import { batchSender } from '../../../agent/streams/pipeline/batchSender.ts';
import { Batcher } from '../../../agent/streams/pipeline/batcher.ts';
import { BufferBudget } from '../../../agent/streams/pipeline/bufferBudget.ts';
import { shardLease } from '../../../agent/streams/pool/shardLease.ts';
import { benchTick } from './sideProtocol.ts';

/** A stream of a few connections. */
const SHARDS = 4;
const MAX_TICKS = 500;
const BUFFER = { ticks: 100_000, diskBytes: 0 };
/** A feed that is faster than Redis would make the buffer overflow: this one waits. */
const MOST_WAITING = 50_000;
const PER_TURN = 500;
const JOB_TYPE = 'count';
const DEADLINE_MS = 60_000;

/** From ticks to handler processes as declared: batchers, jobs, workers, as an agent has them. */
export class OurBatching {
  private ended = 0;
  private onEnded: () => void = () => undefined;
  private readonly workers: WorkerPool;
  private readonly enqueuer: Enqueuer;
  private readonly leases: RedisLeases;
  private readonly keys: Keys;

  /** @param folder where handlers write what they had */
  constructor(
    connections: RedisConnections,
    folder: string,
    private readonly logger: Logger,
  ) {
    process.env['BENCH_TICKS_FOLDER'] = folder;
    const handler = path.join(__dirname, 'handlers', 'countTicks.mjs');
    const config = configSchema.parse({
      jobs: { [JOB_TYPE]: { handler, queue: 'bench_batches' } },
    });
    const redis = connections.commands;
    const clock = systemClock;
    const keys = new Keys(config.redis.prefix);
    this.keys = keys;
    const scripts = new Scripts(redis);
    const decisions = new DecisionLog(redis, keys, logger);
    const queues = new QueueSet(redis, config);
    const holder = currentHolder('all', 'bench');
    this.leases = new RedisLeases({ redis, scripts, keys, clock, holder });
    this.enqueuer = new Enqueuer({
      ...{ config, clock, decisions, redis, scripts, keys, queues },
      customKey: () => Promise.resolve(null),
    });
    this.workers = this.startWorkers(connections, config, { keys, scripts, decisions });
  }

  /** Until the handlers had the last of so many ticks. @returns ms */
  async run(round: string, count: number): Promise<number> {
    const { logger } = this;
    const leases = await Promise.all(
      Array.from({ length: SHARDS }, (_, shard) => this.acquire(shardLease(round, shard))),
    );
    const budget = new BufferBudget(BUFFER);
    const before = this.ended;
    const startedAt = performance.now();
    const batchers = leases.map((lease, shard) => {
      const progressKey = this.keys.streamProgress(lease.name);
      const facts = { stream: round, shard, type: JOB_TYPE, firstFence: lease.fence, progressKey };
      return new Batcher({
        ...{ maxTicks: MAX_TICKS, maxWaitMs: 200, lite: false, budget, spillFolder: null },
        ...{ clock: systemClock, random: systemRandom, logger },
        send: batchSender({ ...facts, enqueuing: this.enqueuer, lease: () => lease }),
      });
    });
    await feed(batchers, count);
    await Promise.all(batchers.map((batcher) => batcher.flush(DEADLINE_MS)));
    const batches = batchers.reduce((sum, batcher) => sum + batcher.batches, 0);
    await this.handled(before + batches);
    const tookMs = performance.now() - startedAt;
    await Promise.all(leases.map((lease) => lease.release()));
    return tookMs;
  }

  close(): Promise<void> {
    return this.workers.close(5_000, 1_000);
  }

  private async handled(batches: number): Promise<void> {
    const done = deferred<true>();
    this.onEnded = () => {
      if (this.ended >= batches) done.resolve(true);
    };
    this.onEnded();
    const given = new AbortController();
    const late = sleep(systemClock, DEADLINE_MS, given.signal);
    await Promise.race([done.promise, late]);
    given.abort();
  }

  private async acquire(name: string): Promise<Lease> {
    const answer = await this.leases.acquire({ name, kind: 'stream', subject: name, ttlMs: 5_000 });
    if (!answer.acquired) throw new Error(`the lease ${name} is held`);
    return answer.lease;
  }

  private startWorkers(
    connections: RedisConnections,
    config: Config,
    services: { keys: Keys; scripts: Scripts; decisions: DecisionLog },
  ): WorkerPool {
    const { logger } = this;
    return new WorkerPool({
      ...{ config, workspace: '/', enqueuing: this.enqueuer, clock: systemClock, logger },
      ...{ agentId: 'bench', ...services },
      onEnded: () => {
        this.ended += 1;
        this.onEnded();
      },
      connection: connections.patient('batches'),
      onRunsChange: () => undefined,
      createRunner: (type, jobType, file) => {
        const { isolation, concurrency, processes, maxRunsPerProcess } = type;
        const { silenceMs } = leaseTimesOf([type]);
        const plan = { file, jobType, concurrency, processes, maxRunsPerProcess, silenceMs };
        return createRunner(isolation, plan, logger, systemClock);
      },
    });
  }
}

/** One tick at a time, as frames bring them, to each shard in turn. */
async function feed(batchers: readonly Batcher[], count: number): Promise<void> {
  const perShard = Math.ceil(count / batchers.length);
  for (let n = 1; n <= perShard; n += 1) {
    const now = Date.now();
    for (const [shard, batcher] of batchers.entries())
      batcher.add([benchTick(`S${shard}`, n, now)]);
    if (n % PER_TURN !== 0) continue;
    await nextTurn();
    while (batchers.reduce((sum, { waiting }) => sum + waiting, 0) > MOST_WAITING) {
      await sleep(systemClock, 1);
    }
  }
}
