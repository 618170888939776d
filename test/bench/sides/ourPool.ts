import * as path from 'node:path';
import { sleep, systemClock } from '../../../agent/common/clock.ts';
import { systemRandom } from '../../../agent/common/random.ts';
import { configSchema, type Config } from '../../../agent/config/schema.ts';
import { DecisionLog } from '../../../agent/decisions/decisionLog.ts';
import { EventTail } from '../../../agent/feed/eventTail.ts';
import { Enqueuer } from '../../../agent/jobs/enqueuer.ts';
import { QueueSet } from '../../../agent/jobs/queueSet.ts';
import { RedisLeases } from '../../../agent/leases/redisLeases.ts';
import type { Logger } from '../../../agent/logging.ts';
import type { RedisConnections } from '../../../agent/redis/connections.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { redisNowMs } from '../../../agent/redis/redisNow.ts';
import { Scripts } from '../../../agent/redis/scripts.ts';
import { AgentRegistry } from '../../../agent/state/agentRegistry.ts';
import { currentHolder } from '../../../agent/state/processIdentity.ts';
import { TurnTime } from '../../../agent/streams/connection/turnTime.ts';
import { Venues } from '../../../agent/streams/connection/venueGate.ts';
import { Asks } from '../../../agent/streams/pool/asks.ts';
import { RedisWantedStore } from '../../../agent/streams/pool/redisWantedStore.ts';
import { ShardProgress } from '../../../agent/streams/pool/shardProgress.ts';
import { StreamRegistry } from '../../../agent/streams/pool/streamRegistry.ts';
import { StreamService } from '../../../agent/streams/pool/streamService.ts';
import { SymbolStore } from '../../../agent/streams/symbols/symbolStore.ts';
import { POOL_QUEUE, type SideOutcome, type SideRequest } from './sideProtocol.ts';

/** Looking costs CPU time that counts as the pool's. */
const LOOK_EVERY_MS = 50;
const LIVE_WITHIN_MS = 120_000;
const LOOK_IF_LIVE_EVERY_MS = 500;
/** Ticks that have not come by then never come. */
const SILENT_FOR_MS = 10_000;

type OpenPool = Extract<SideRequest, { do: 'openPool' }>;

/** The stream pool of an agent, without the rest of the agent: its batches wait in their queue. */
export class OurPool {
  /** Ticks of all rounds before. */
  private taken = 0;

  private constructor(
    private readonly service: StreamService,
    /** Stops it: shards, leases and all. */
    readonly close: () => Promise<void>,
  ) {}

  /** Resolves when every connection is live. */
  static async open(
    connections: RedisConnections,
    request: OpenPool,
    logger: Logger,
    folder: string,
  ): Promise<OurPool> {
    const { service, close } = await openService(connections, poolConfig(request), logger, folder);
    const pool = new OurPool(service, close);
    const startedAt = performance.now();
    while (pool.connected() < request.connections) {
      if (performance.now() - startedAt > LIVE_WITHIN_MS) {
        throw new Error(`${pool.connected()} of ${request.connections} connections are live`);
      }
      await sleep(systemClock, LOOK_IF_LIVE_EVERY_MS);
    }
    return pool;
  }

  /** Until so many more ticks came in and are in Redis, or nothing comes any more. */
  async take(count: number): Promise<SideOutcome> {
    const wanted = this.taken + count;
    const startedAt = performance.now();
    let changedAt = startedAt;
    let before = this.state();
    while (before.ticks < wanted || before.waiting > 0) {
      await sleep(systemClock, LOOK_EVERY_MS);
      const state = this.state();
      const now = performance.now();
      if (state.ticks !== before.ticks || state.waiting !== before.waiting) changedAt = now;
      else if (now - changedAt > SILENT_FOR_MS) break;
      before = state;
    }
    this.taken = before.ticks;
    const { totalGaps = 0, totalDropped = 0 } = this.service.rows()[0] ?? {};
    return { ms: performance.now() - startedAt, lost: totalGaps + totalDropped };
  }

  private connected(): number {
    return this.service.rows()[0]?.connected ?? 0;
  }

  private state(): { ticks: number; waiting: number } {
    const state = { ticks: 0, waiting: 0 };
    for (const stream of this.service.pool.streams.values()) {
      for (const run of stream.runs.values()) {
        state.ticks += run.figures().ticks;
        state.waiting += run.batcher.waiting;
      }
    }
    return state;
  }
}

function poolConfig({ url, symbols, connections }: OpenPool): Config {
  return configSchema.parse({
    jobs: { store: { handler: './store.mjs', queue: POOL_QUEUE } },
    streams: {
      pool: {
        ...{ url, symbols, job: 'store', maxSymbols: symbols.length, connectionDelay: 0 },
        symbolsPerConnection: Math.ceil(symbols.length / connections),
        // A batch costs as much as many ticks: so many connections want to wait for fuller ones.
        batch: { maxTicks: 500, maxWait: '1s' },
        buffer: { ticks: 400_000 },
      },
    },
  });
}

/** Wired as an agent does it, with nobody to tell what changes. */
async function openService(
  connections: RedisConnections,
  config: Config,
  logger: Logger,
  folder: string,
): Promise<{ service: StreamService; close: () => Promise<void> }> {
  const redis = connections.commands;
  const clock = systemClock;
  const keys = new Keys(config.redis.prefix);
  const scripts = new Scripts(redis);
  const holder = currentHolder('all', 'bench');
  const decisions = new DecisionLog(redis, keys, logger);
  const queues = new QueueSet(redis, config);
  const agents = new AgentRegistry(redis, keys.agents, holder, clock);
  await agents.start();
  const service = new StreamService({
    streams: config.streams,
    leases: new RedisLeases({ redis, scripts, keys, clock, holder }),
    enqueuing: new Enqueuer({
      ...{ config, clock, decisions, redis, scripts, keys, queues },
      customKey: () => Promise.resolve(null),
    }),
    wantedStore: new RedisWantedStore(redis, keys.wantedStreams),
    ...{ clock, random: systemRandom, logger, holder, workspace: '/' },
    spillFolder: path.join(folder, 'spill'),
    ...{
      turnTime: new TurnTime(clock),
      progress: new ShardProgress(redis, keys),
      venues: new Venues(clock),
      asks: new Asks(redis, keys.streamAsks),
    },
    symbols: new SymbolStore(redis, scripts, keys),
    registry: new StreamRegistry({ redis, scripts, keys, clock, logger }),
    healthEveryMs: config.health.every,
    nowMs: () => redisNowMs(redis),
    agents: () => agents.list(),
    announce: (streams) => agents.announce({ streams }),
    loadModule: (file) => Promise.reject(new Error(`there is no ${file}`)),
    recordDecision: (decision) => decisions.record(decision),
    onChange: () => undefined,
    onRemove: () => undefined,
  });
  const streams = [keys.streamAsks, keys.releases];
  const tail = new EventTail(connections.patient('events'), streams, clock, () => service.wake());
  tail.start();
  await service.open();
  const close = async () => {
    await service.close({ handOverMs: 5_000, flushMs: 1_000 });
    tail.close();
    await agents.close();
  };
  return { service, close };
}
