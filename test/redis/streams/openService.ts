import { pino } from 'pino';
import { systemClock } from '../../../agent/common/clock.ts';
import { configSchema, type Config } from '../../../agent/config/schema.ts';
import { DecisionLog } from '../../../agent/decisions/decisionLog.ts';
import { EventTail } from '../../../agent/feed/eventTail.ts';
import { Enqueuer } from '../../../agent/jobs/enqueuer.ts';
import { QueueSet } from '../../../agent/jobs/queueSet.ts';
import { RedisLeases } from '../../../agent/leases/redisLeases.ts';
import type { StreamRow } from '../../../agent/protocol/model.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
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
import type { TestRedis } from '../../harness/testRedis.ts';

export interface OpenService {
  service: StreamService;
  decisions: DecisionLog;
  /** Each row that was told, in order. */
  told: StreamRow[];
  removed: string[];
  close(): Promise<void>;
}

/** Where it is, and the prefix of all keys. */
export type RedisAddress = Pick<TestRedis, 'url' | 'prefix'>;

/** Everything that a stream service needs, on a real Redis, as an agent has it. */
export async function openService(
  { url, prefix }: RedisAddress,
  streams: unknown,
  agentId: string,
): Promise<OpenService> {
  const config = streamTestConfig(streams, prefix);
  const connections = await RedisConnections.open({ kind: 'url', url, prefix }, agentId);
  const redis = connections.commands;
  const clock = systemClock;
  const logger = pino({ level: 'silent' });
  const keys = new Keys(config.redis.prefix);
  const scripts = new Scripts(redis);
  const holder = currentHolder('all', agentId);
  const decisions = new DecisionLog(redis, keys, logger);
  const queues = new QueueSet(redis, config);
  const told: StreamRow[] = [];
  const removed: string[] = [];
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
    ...{ clock, random: Math.random, logger, holder, workspace: '/', spillFolder: null },
    turnTime: new TurnTime(clock),
    progress: new ShardProgress(redis, keys),
    ...{ venues: new Venues(clock), asks: new Asks(redis, keys.streamAsks) },
    symbols: new SymbolStore(redis, scripts, keys),
    registry: new StreamRegistry({ redis, scripts, keys, clock, logger }),
    healthEveryMs: 300_000,
    nowMs: () => redisNowMs(redis),
    agents: () => agents.list(),
    announce: (names) => agents.announce({ streams: names }),
    loadModule: (file) => Promise.reject(new Error(`there is no ${file}`)),
    recordDecision: (decision) => decisions.record(decision),
    onChange: (row) => void told.push(row),
    onRemove: (name) => void removed.push(name),
  });
  const tail = new EventTail(
    connections.patient('events'),
    [keys.streamAsks, keys.releases],
    clock,
    () => service.wake(),
  );
  tail.start();
  await service.open();
  return {
    ...{ service, decisions, told, removed },
    close: async () => {
      await service.close({ handOverMs: 2_000, flushMs: 500 });
      tail.close();
      await agents.close();
      connections.close();
    },
  };
}

/** A config with these streams and the job type that they need. */
export function streamTestConfig(streams: unknown, prefix = 'bull'): Config {
  return configSchema.parse({
    redis: { prefix },
    jobs: { store: { handler: './store.ts', queue: 'websocket_data' } },
    streams,
  });
}
