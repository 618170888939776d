import { mkdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Redis } from 'ioredis';
import { eventually } from './eventually.ts';
import { DATA_NODE_ARGS, freePorts, RedisNode, type NodeOptions } from './redisNode.ts';
import { makeTemporaryFolder, type TemporaryFolder } from './temporaryFolder.ts';

const SERVERS = 3;
const SENTINELS = 3;
const MASTER = 'main';
/** A master that is silent for so long is taken for dead. */
const DOWN_AFTER_MS = 1_000;

/** A real master with two replicas, watched by three real sentinels. */
export class RedisSentinel {
  readonly sentinels: RedisNode[] = [];
  private readonly clients: Redis[] = [];

  private constructor(
    private readonly folder: TemporaryFolder,
    readonly servers: RedisNode[],
  ) {}

  static async start(): Promise<RedisSentinel> {
    const folder = makeTemporaryFolder();
    const ports = await freePorts(SERVERS + SENTINELS);
    const [first = 0] = ports;
    const [servers, sentinels] = [ports.slice(0, SERVERS), ports.slice(SERVERS)];
    const installation = new RedisSentinel(
      folder,
      await RedisNode.startAll(servers.map((port) => serverOptions(folder.path, port, first))),
    );
    try {
      const watching = sentinels.map((port) => sentinelOptions(folder.path, port, first));
      installation.sentinels.push(...(await RedisNode.startAll(watching)));
      await installation.settled();
      return installation;
    } catch (error) {
      await installation.stop();
      throw error;
    }
  }

  /** Of all keys. */
  readonly prefix = 'bull';

  /** For `redis.url` of a config, or REDIS_URL. */
  get url(): string {
    const hosts = this.sentinels.map(({ port }) => `127.0.0.1:${port}`);
    return `redis+sentinel://${hosts.join(',')}/${MASTER}`;
  }

  /** A connection that is closed with the installation. */
  client(): Redis {
    const client = new Redis({
      sentinels: this.sentinels.map(({ port }) => ({ host: '127.0.0.1', port })),
      // No failoverDetector: that of a connection which is closed while it is made stays open for ever.
      ...{ name: MASTER, maxRetriesPerRequest: null },
      reconnectOnError: ({ message }) => (message.startsWith('READONLY') ? 2 : false),
      sentinelRetryStrategy: () => 100,
    });
    client.on('error', () => undefined);
    this.clients.push(client);
    return client;
  }

  /** The master, as most sentinels know it. */
  async master(): Promise<RedisNode> {
    const votes = await Promise.all(
      this.sentinels.map(async ({ redis }) => {
        const address = await redis.call('SENTINEL', 'get-master-addr-by-name', MASTER);
        return Array.isArray(address) ? Number(address[1]) : 0;
      }),
    );
    const port = votes.find((one) => votes.filter((other) => other === one).length > 1);
    const found = this.servers.find((server) => server.port === port);
    if (found === undefined) throw new Error(`The sentinels know no master: ${votes.join(', ')}`);
    return found;
  }

  async replicas(): Promise<RedisNode[]> {
    const master = await this.master();
    return this.servers.filter((server) => server !== master);
  }

  /** Waits until another server than this one is master. */
  async successorOf(former: RedisNode): Promise<RedisNode> {
    return eventually(
      'another master',
      async () => {
        const master = await this.master();
        if (master === former) return undefined;
        return (await master.redis.info('replication')).includes('role:master') && master;
      },
      { deadlineMs: 60_000 },
    );
  }

  /** A replica takes the master's place, after all replicas have all that it has until then. */
  async failOver(): Promise<void> {
    const former = await this.master();
    await former.redis.wait(SERVERS - 1, 2_000);
    const [sentinel] = this.sentinels;
    await eventually('a sentinel to begin', () =>
      sentinel?.redis.call('SENTINEL', 'FAILOVER', MASTER),
    );
    await this.successorOf(former);
  }

  async flush(): Promise<void> {
    await (await this.master()).redis.flushall();
  }

  async stop(): Promise<void> {
    for (const client of this.clients.splice(0)) client.disconnect();
    await Promise.all([...this.sentinels, ...this.servers].map((node) => node.stop()));
    this.folder.remove();
  }

  /** The sentinels know each other and every replica, and the replicas follow the master. */
  private async settled(): Promise<void> {
    await eventually(
      'the sentinels to know everyone',
      async () => {
        const seen = await Promise.all(
          this.sentinels.map(({ redis }) => redis.call('SENTINEL', 'MASTER', MASTER)),
        );
        return seen.every((answer) => {
          const facts = Array.isArray(answer) ? answer.map(String) : [];
          const of = (name: string) => facts[facts.indexOf(name) + 1];
          return (
            of('flags') === 'master' &&
            of('num-slaves') === String(SERVERS - 1) &&
            of('num-other-sentinels') === String(SENTINELS - 1)
          );
        });
      },
      { deadlineMs: 40_000 },
    );
    const running = (await this.replicas()).filter((node) => node.isRunning);
    await eventually('the replicas to follow', async () => {
      const infos = await Promise.all(running.map(({ redis }) => redis.info('replication')));
      return infos.every((info) => info.includes('master_link_status:up'));
    });
  }
}

function serverOptions(base: string, port: number, masterPort: number): NodeOptions {
  const folder = path.join(base, String(port));
  mkdirSync(folder);
  const follows = port === masterPort ? [] : ['--replicaof', `127.0.0.1 ${masterPort}`];
  return { folder, port, args: [...DATA_NODE_ARGS, ...follows] };
}

function sentinelOptions(base: string, port: number, masterPort: number): NodeOptions {
  const folder = path.join(base, String(port));
  mkdirSync(folder);
  const configFile = path.join(folder, 'sentinel.conf');
  const lines = [
    `sentinel monitor ${MASTER} 127.0.0.1 ${masterPort} 2`,
    `sentinel down-after-milliseconds ${MASTER} ${DOWN_AFTER_MS}`,
    `sentinel failover-timeout ${MASTER} 2000`,
    `sentinel parallel-syncs ${MASTER} 2`,
  ];
  writeFileSync(configFile, `${lines.join('\n')}\n`);
  return { folder, port, configFile, args: ['--sentinel'] };
}
