import { Cluster, Redis, type CommonRedisOptions } from 'ioredis';
import { messageOf } from '../common/errors.ts';
import type { RedisStatus } from '../protocol/model.ts';
import { SlotCluster, type RedisClient } from './redisClient.ts';
import { redisError } from './redisError.ts';
import { connectionPlan, describeTarget, type ConnectionPlan, type RedisTarget } from './target.ts';
import { WatchedRedis } from './watchedRedis.ts';

/** A command that Redis does not answer fails after that long, so that nothing hangs. */
const COMMAND_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RECONNECT_DELAY_MS = 1_000;
/** How long a node of a Cluster may take to tell where the keys are, before the next one is asked. */
const SLOTS_TIMEOUT_MS = 2_000;
/** With pauses of 100 ms: a command to a Cluster fails after about that many of them. */
const CLUSTER_TRIES = 16;

/** All connections of one process to its Redis, and what is known of it. */
export class RedisConnections {
  /** For commands: fails soon when Redis is away. */
  readonly commands: RedisClient;
  private readonly others: RedisClient[] = [];
  private version: string | null = null;
  private trouble: string | null = null;
  /** What a sentinel said last; it tells more than that none of them helped. */
  private sentinelTrouble: string | null = null;
  private opened = false;

  private constructor(
    readonly target: RedisTarget,
    private readonly clientName: string,
  ) {
    this.commands = this.create('commands', {
      maxRetriesPerRequest: 1,
      commandTimeout: COMMAND_TIMEOUT_MS,
    });
  }

  /**
   * Connects, and checks that Redis answers.
   * @throws InterlockError `redis_unreachable`, `redis_refused` when it wants other credentials, or
   *   `bad_config` when a file of the TLS settings can not be read
   */
  static async open(target: RedisTarget, clientName: string): Promise<RedisConnections> {
    const connections = new RedisConnections(target, clientName);
    try {
      await connections.commands.connect();
      connections.readInfo(await connections.commands.info('server'));
      connections.opened = true;
      return connections;
    } catch (error) {
      connections.close();
      throw redisError(target, connections.trouble ?? messageOf(error));
    }
  }

  /** A connection of its own that waits for Redis as long as it takes: for workers and blocking reads. */
  patient(purpose: string): RedisClient {
    const redis = this.create(purpose, { maxRetriesPerRequest: null });
    this.others.push(redis);
    return redis;
  }

  status(): RedisStatus {
    const connected = this.commands.status === 'ready';
    return {
      kind: this.target.kind,
      address: describeTarget(this.target),
      version: this.version,
      state: connected ? 'connected' : this.trouble === null ? 'connecting' : 'unreachable',
      trouble: connected ? null : this.trouble,
    };
  }

  /** Calls `listener` whenever the connection comes or goes. */
  onStatusChange(listener: () => void): void {
    for (const event of ['ready', 'close', 'reconnecting'] as const) {
      listen(this.commands, event, listener);
    }
  }

  /** Cuts every connection; never waits, so that it works with Redis dead. */
  close(): void {
    for (const redis of [...this.others, this.commands]) redis.disconnect();
  }

  private create(purpose: string, policy: CommonRedisOptions): RedisClient {
    const plan = connectionPlan(this.target);
    const isPatient = policy.maxRetriesPerRequest === null;
    const options = {
      ...{ ...plan.options, ...policy, lazyConnect: true, connectTimeout: CONNECT_TIMEOUT_MS },
      connectionName: `${this.clientName}:${purpose}`,
    };
    const redis =
      plan.way === 'cluster'
        ? createCluster(plan, options)
        : plan.way === 'sentinel' && isPatient
          ? new WatchedRedis(this.withRetries(options))
          : new Redis(this.withRetries(options));
    // Without a listener ioredis prints errors itself. The status tells them.
    listen(redis, 'error', (error) => (this.trouble = this.sentinelTrouble ?? reasonOf(error)));
    listen(redis, 'sentinelError', (error) => (this.sentinelTrouble = messageOf(error)));
    listen(redis, 'ready', () => (this.trouble = this.sentinelTrouble = null));
    return redis;
  }

  private withRetries(options: CommonRedisOptions): CommonRedisOptions & SentinelPolicy {
    return {
      ...options,
      retryStrategy: reconnectDelayMs,
      // A server that became a replica under us: the command goes to its successor.
      reconnectOnError: ({ message }) =>
        /^(READONLY|UNBLOCKED|MASTERDOWN)/.test(message) ? 2 : false,
      // A living agent waits for the sentinels; one that starts tells a person.
      sentinelRetryStrategy: (attempt) => (this.opened ? reconnectDelayMs(attempt) : null),
      sentinelReconnectStrategy: reconnectDelayMs,
      failoverDetector: true,
    };
  }

  /** @throws Error for what is not a Redis as the address names it */
  private readInfo(info: string): void {
    const mode = /^(?:redis|server)_mode:(\w+)/m.exec(info)?.[1];
    const isCluster = this.commands instanceof Cluster;
    if (mode === 'sentinel' || (mode === 'cluster' && !isCluster)) {
      throw new Error(`redis_mode:${mode}`);
    }
    this.version = /^(?:redis|valkey)_version:(.+)$/m.exec(info)?.[1]?.trim() ?? null;
  }
}

interface SentinelPolicy {
  sentinelRetryStrategy: (attempt: number) => number | null;
  sentinelReconnectStrategy: (attempt: number) => number;
  failoverDetector: boolean;
}

function createCluster(
  plan: Extract<ConnectionPlan, { way: 'cluster' }>,
  options: CommonRedisOptions,
): SlotCluster {
  const isPatient = options.maxRetriesPerRequest === null;
  const cluster = new SlotCluster(
    plan.nodes,
    {
      lazyConnect: true,
      // A Cluster without all of its slots would be waited for without an end: commands tell.
      enableReadyCheck: false,
      clusterRetryStrategy: reconnectDelayMs,
      slotsRefreshTimeout: SLOTS_TIMEOUT_MS,
      maxRedirections: isPatient ? Infinity : CLUSTER_TRIES,
      redisOptions: options,
      // With TLS a server is known by its name, which its certificate has: it stays as it is.
      ...('tls' in options ? { dnsLookup: (host, done) => done(null, host) } : {}),
    },
    plan.prefix,
  );
  return cluster;
}

function reconnectDelayMs(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS);
}

/** The two kinds of connection declare their events apart. */
function listen(redis: RedisClient, event: string, listener: (error: unknown) => void): void {
  if (redis instanceof Cluster) redis.on(event, listener);
  else redis.on(event, listener);
}

/** Of a Cluster the last node that was asked tells why. */
function reasonOf(error: unknown): string {
  const cause =
    typeof error === 'object' && error !== null && 'lastNodeError' in error
      ? error.lastNodeError
      : undefined;
  return messageOf(cause ?? error);
}
