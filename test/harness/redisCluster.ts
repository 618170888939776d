import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { SlotCluster } from '../../agent/redis/redisClient.ts';
import { eventually } from './eventually.ts';
import { DATA_NODE_ARGS, freePorts, RedisNode, type NodeOptions } from './redisNode.ts';
import { makeTemporaryFolder, type TemporaryFolder } from './temporaryFolder.ts';

const MASTERS = 3;
const SLOTS = 16_384;
/** A master that is silent for so long is taken for dead. */
const NODE_TIMEOUT_MS = 1_000;

/** The prefix of all keys: its hash tag keeps them in one slot. */
export const CLUSTER_PREFIX = '{bull}';

/** A real Redis Cluster of three masters, each with one replica. */
export class RedisCluster {
  private readonly clients: SlotCluster[] = [];

  private constructor(
    private readonly folder: TemporaryFolder,
    readonly nodes: RedisNode[],
  ) {}

  static async start(): Promise<RedisCluster> {
    const folder = makeTemporaryFolder();
    const ports = await freePorts(MASTERS * 2);
    const nodes = await RedisNode.startAll(ports.map((port) => nodeOptions(folder.path, port)));
    const cluster = new RedisCluster(folder, nodes);
    try {
      await cluster.form();
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** Of all keys. */
  readonly prefix = CLUSTER_PREFIX;

  /** For `redis.url` of a config, or REDIS_URL. */
  get url(): string {
    return `redis+cluster://${this.nodes.map(({ port }) => `127.0.0.1:${port}`).join(',')}`;
  }

  /** A connection that is closed with the cluster. */
  client(): SlotCluster {
    const client = new SlotCluster(
      this.nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
      {
        ...{ enableReadyCheck: false, maxRedirections: Infinity },
        redisOptions: { maxRetriesPerRequest: null },
      },
      CLUSTER_PREFIX,
    );
    client.on('error', () => undefined);
    this.clients.push(client);
    return client;
  }

  /** The master that has a key now. */
  async masterOf(key: string): Promise<RedisNode> {
    return eventually(`a master of ${key}`, async () => {
      for (const node of this.nodes) {
        if (!node.isRunning) continue;
        const slot = await node.redis.cluster('KEYSLOT', key);
        const ranges = await node.redis.cluster('SLOTS');
        const range = ranges.find(([from, to]) => from <= slot && slot <= to);
        const port = range?.[2]?.[1];
        const master = this.nodes.find((one) => one.port === port);
        if (master?.isRunning === true) return master;
      }
      return undefined;
    });
  }

  /** Every key of every master. */
  async flush(): Promise<void> {
    await Promise.all((await this.masters()).map(({ redis }) => redis.flushall()));
  }

  async masters(): Promise<RedisNode[]> {
    const roles = await Promise.all(
      this.nodes
        .filter((node) => node.isRunning)
        .map(async (node) => ({ node, role: await roleOf(node) })),
    );
    return roles.filter(({ role }) => role === 'master').map(({ node }) => node);
  }

  /**
   * The replica of the master that has our keys takes its place, in order: nothing is lost.
   * @returns when every node knows it
   */
  async failOver(): Promise<void> {
    const before = await this.masterOf(this.prefix);
    const replica = await this.replicaOf(before);
    await replica.redis.cluster('FAILOVER');
    await eventually('the replica to be master', async () => (await roleOf(replica)) === 'master');
    await this.settled();
  }

  async replicaOf(master: RedisNode): Promise<RedisNode> {
    for (const node of this.nodes) {
      if (node === master || !node.isRunning) continue;
      const info = await node.redis.info('replication');
      if (info.includes('role:slave') && info.includes(`master_port:${master.port}\r`)) return node;
    }
    throw new Error(`The master at ${master.port} has no replica`);
  }

  async stop(): Promise<void> {
    for (const client of this.clients.splice(0)) client.disconnect();
    await Promise.all(this.nodes.map((node) => node.stop()));
    this.folder.remove();
  }

  private async form(): Promise<void> {
    const masters = this.nodes.slice(0, MASTERS);
    await Promise.all(
      masters.map(({ redis }, index) => {
        const from = Math.floor((index * SLOTS) / MASTERS);
        const to = Math.floor(((index + 1) * SLOTS) / MASTERS) - 1;
        return redis.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
      }),
    );
    for (const [index, { redis }] of this.nodes.entries())
      await redis.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    await this.introduce();
    await this.replicate(masters);
    await this.settled();
  }

  /** A handshake that takes too long on a busy machine is given up: it is asked for again. */
  private introduce(): Promise<unknown> {
    const [first, ...others] = this.nodes;
    const look = async () => {
      const seen = await Promise.all(
        this.nodes.map(async ({ redis }) => String(await redis.cluster('NODES'))),
      );
      const [own = ''] = seen;
      for (const { port } of others) {
        if (!own.includes(`:${port}@`)) await first?.redis.cluster('MEET', '127.0.0.1', port);
      }
      return seen.every((text) => this.nodes.every(({ port }) => isKnown(text, port)));
    };
    return eventually('the nodes to know each other', look);
  }

  private async replicate(masters: RedisNode[]): Promise<void> {
    for (const [index, replica] of this.nodes.slice(MASTERS).entries()) {
      const id = await masters[index]?.redis.cluster('MYID');
      await eventually('a replica to know its master', () =>
        replica.redis.cluster('REPLICATE', String(id)),
      );
    }
  }

  /** Every node that runs sees all slots served, and each replica follows its master. */
  private settled(): Promise<unknown> {
    const running = this.nodes.filter((node) => node.isRunning);
    const looks = running.map(({ redis, port }) =>
      eventually(`node ${port} to see the cluster as it is`, async () => {
        const [state, own] = await Promise.all([redis.cluster('INFO'), redis.info('replication')]);
        const ranges = await redis.cluster('SLOTS');
        const isWhole = ranges.length === MASTERS && ranges.every((range) => range.length === 4);
        const follows = own.includes('role:master') || own.includes('master_link_status:up');
        return state.includes('cluster_state:ok') && isWhole && follows;
      }),
    );
    return Promise.all(looks);
  }
}

function nodeOptions(base: string, port: number): NodeOptions {
  const folder = path.join(base, String(port));
  mkdirSync(folder);
  const args = [
    ...['--cluster-enabled', 'yes', '--cluster-node-timeout', String(NODE_TIMEOUT_MS)],
    // A replica is told of when it has replicated something: a ping is enough.
    ...['--cluster-replica-validity-factor', '0', '--repl-ping-replica-period', '1'],
    ...DATA_NODE_ARGS,
  ];
  return { folder, port, args };
}

/** One line for each node, with its address and flags: those of a handshake are no node yet. */
function isKnown(nodes: string, port: number): boolean {
  const lines = nodes.split('\n').filter((line) => line.includes(`:${port}@`));
  return lines.some((line) => !line.includes('handshake'));
}

async function roleOf({ redis }: RedisNode): Promise<string> {
  return /^role:(\w+)/m.exec(await redis.info('replication'))?.[1] ?? '?';
}
