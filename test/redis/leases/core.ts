import { pino, type Logger } from 'pino';
import { systemClock } from '../../../agent/common/clock.ts';
import { configSchema, type Config } from '../../../agent/config/schema.ts';
import { DecisionLog } from '../../../agent/decisions/decisionLog.ts';
import { Enqueuer } from '../../../agent/jobs/enqueuer.ts';
import { JobActions } from '../../../agent/jobs/jobActions.ts';
import { JobReader } from '../../../agent/jobs/jobReader.ts';
import type { CustomKey } from '../../../agent/jobs/lastCheck.ts';
import { OutsideRuns } from '../../../agent/jobs/outsideRuns.ts';
import { QueueSet } from '../../../agent/jobs/queueSet.ts';
import { WorkerClients } from '../../../agent/jobs/workerClients.ts';
import { RedisLeases } from '../../../agent/leases/redisLeases.ts';
import type { Decision, Holder } from '../../../agent/protocol/decision.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import type { RedisClient } from '../../../agent/redis/redisClient.ts';
import { Scripts } from '../../../agent/redis/scripts.ts';
import { AgentRegistry } from '../../../agent/state/agentRegistry.ts';
import { currentHolder } from '../../../agent/state/processIdentity.ts';

export const SILENT: Logger = pino({ level: 'silent' });

/** The parts of an agent that talk to Redis, on a connection of their own: one agent in small. */
export type Core = ReturnType<typeof makeCore>;

export interface CoreOptions {
  config?: unknown;
  holder?: Holder;
  logger?: Logger;
  /** What the `unique` function of a handler would say; left out: null. */
  customKey?: CustomKey;
  /** Left out: a connection that waits for Redis as long as it takes. */
  redis?: RedisClient;
}

let agents = 0;

/** A Redis of a test, of whatever kind. */
export interface CoreRedis {
  client(): RedisClient;
  /** Of every key; a config with another one keeps that. */
  readonly prefix: string;
}

export function makeCore(server: CoreRedis, options: CoreOptions = {}) {
  const config = withPrefix(configSchema.parse(options.config ?? {}), server.prefix);
  const logger = options.logger ?? SILENT;
  agents += 1;
  const holder = options.holder ?? currentHolder('all', `a${agents}`);
  const redis = options.redis ?? server.client();
  const scripts = new Scripts(redis);
  const keys = new Keys(config.redis.prefix);
  const decisions = new DecisionLog(redis, keys, logger);
  const queues = new QueueSet(redis, config);
  const clients = new WorkerClients(redis, config.redis.prefix, systemClock);
  const registry = new AgentRegistry(redis, keys.agents, holder, systemClock);
  const known = { redis, keys, clients, agents: () => registry.list() };
  const reader = new JobReader(queues, new OutsideRuns(known));
  const customKey = options.customKey ?? (() => Promise.resolve(null));
  const enqueuer = new Enqueuer({
    ...{ config, clock: systemClock, decisions, redis, scripts, keys, queues },
    customKey,
  });
  return {
    ...{ config, holder, redis, scripts, keys, decisions, queues, reader, enqueuer, logger },
    ...{ clients, registry },
    leases: new RedisLeases({ redis, scripts, keys, clock: systemClock, holder }),
    actions: new JobActions({
      ...{ reader, queues, redis, scripts, keys, decisions, customKey, enqueuing: enqueuer },
    }),
    /** Every decision that is recorded, oldest first. */
    recorded: async (): Promise<Decision[]> => {
      return (await decisions.newest(10_000)).reverse();
    },
  };
}

function withPrefix(config: Config, prefix: string): Config {
  const { redis } = config;
  return redis.prefix === 'bull' ? { ...config, redis: { ...redis, prefix } } : config;
}

/** A process of this host that is gone. */
export function deadHolder(agentId: string): Holder {
  return { ...currentHolder('all', agentId), pid: 99_999_999, processStart: '1' };
}

/** A process of which nothing can be known from here. */
export function foreignHolder(agentId: string): Holder {
  return { ...deadHolder(agentId), host: 'elsewhere', hostId: 'elsewhere' };
}
