import { Redis, type RedisOptions } from 'ioredis';
import { InterlockError, messageOf } from '../common/errors.ts';
import type { RedisStatus } from '../protocol/model.ts';
import { connectionOptions, describeTarget, type RedisTarget } from './target.ts';

/** A command that Redis does not answer fails after that long, so that nothing hangs. */
const COMMAND_TIMEOUT_MS = 10_000;
const CONNECT_TIMEOUT_MS = 5_000;
const MAX_RECONNECT_DELAY_MS = 1_000;

/** All connections of one process to its Redis, and what is known of it. */
export class RedisConnections {
  /** For commands: fails soon when Redis is away. */
  readonly commands: Redis;
  private readonly others: Redis[] = [];
  private version: string | null = null;
  private trouble: string | null = null;

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
   * @throws InterlockError `redis_unreachable`, or `redis_refused` when it wants other credentials
   */
  static async open(target: RedisTarget, clientName: string): Promise<RedisConnections> {
    const connections = new RedisConnections(target, clientName);
    try {
      await connections.commands.connect();
      connections.version = readVersion(await connections.commands.info('server'));
      return connections;
    } catch (error) {
      connections.close();
      throw redisError(target, connections.trouble ?? messageOf(error));
    }
  }

  /** A connection of its own that waits for Redis as long as it takes: for workers and blocking reads. */
  patient(purpose: string): Redis {
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
      this.commands.on(event, listener);
    }
  }

  /** Cuts every connection; never waits, so that it works with Redis dead. */
  close(): void {
    for (const redis of [...this.others, this.commands]) redis.disconnect();
  }

  private create(purpose: string, policy: RedisOptions): Redis {
    const redis = new Redis({
      ...connectionOptions(this.target),
      ...policy,
      lazyConnect: true,
      connectTimeout: CONNECT_TIMEOUT_MS,
      connectionName: `${this.clientName}:${purpose}`,
      retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), MAX_RECONNECT_DELAY_MS),
    });
    // Without a listener ioredis prints errors itself. The status tells them.
    redis.on('error', (error: Error) => (this.trouble = messageOf(error)));
    redis.on('ready', () => (this.trouble = null));
    return redis;
  }
}

const CONNECTION_TROUBLE =
  /max retries per request|connection is (closed|in)|command timed out|stream isn't writ|ECONNREFUSED|ECONNRESET|EPIPE|ENOENT|LOADING/i;

/** Whether what was thrown means that Redis is away, and not that something else is wrong. */
export function isConnectionTrouble(thrown: unknown): boolean {
  return CONNECTION_TROUBLE.test(messageOf(thrown));
}

function readVersion(info: string): string | null {
  return /^(?:redis|valkey)_version:(.+)$/m.exec(info)?.[1]?.trim() ?? null;
}

/** Says what is wrong with a Redis, and what to do. */
export function redisError(target: RedisTarget, why: string): InterlockError {
  const address = describeTarget(target);
  if (/NOAUTH|WRONGPASS|NOPERM|invalid password|DENIED/i.test(why)) {
    return new InterlockError({
      code: 'redis_refused',
      message: `Redis at ${address} refuses this client: ${why}.`,
      remedy: 'Give the right user and password in the URL: redis://user:password@host:port.',
    });
  }
  return new InterlockError({
    code: 'redis_unreachable',
    message: `Redis at ${address} can not be reached: ${why}.`,
    remedy:
      target.kind === 'url'
        ? 'Check that it runs and that the address is right, or leave the address out to use a private server.'
        : 'Run "interlock doctor"; the log of the private server is redis.log in the state folder.',
  });
}
