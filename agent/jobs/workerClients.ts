import { Cluster } from 'ioredis';
import * as z from 'zod';
import type { Clock } from '../common/clock.ts';
import type { RedisClient } from '../redis/redisClient.ts';

/** With very many clients the list takes Redis a millisecond. */
const LIST_EVERY_MS = 2_000;

const list = z.string();

/** A connection to Redis. */
export interface WorkerClient {
  /** Never given twice while the server lives. */
  id: string;
  name: string;
  /** `host:port`; null on a unix socket, where all have the same. */
  address: string | null;
}

/** The connections of BullMQ workers: each has one that is named after its queue and itself. */
export class WorkerClients {
  private clients: Promise<WorkerClient[]> = Promise.resolve([]);
  private listedAt = -Infinity;

  constructor(
    private readonly redis: RedisClient,
    private readonly prefix: string,
    private readonly clock: Clock,
  ) {}

  /**
   * The connection of a worker.
   * @param worker its name; null for one without
   * @returns null when none is there, or several are of which it may be any
   */
  async find(queue: string, worker: string | null): Promise<WorkerClient | null> {
    const name = `${this.prefix}:${Buffer.from(queue).toString('base64')}`;
    const wanted = worker === null ? name : `${name}:w:${worker}`;
    const found = (await this.list()).filter((client) => client.name === wanted);
    return found.length === 1 ? (found[0] ?? null) : null;
  }

  /** Whether this connection is open now; null when that can not be told. */
  async isOpen({ id }: WorkerClient): Promise<boolean | null> {
    const clients = await this.read().catch(() => null);
    return clients === null ? null : clients.some((client) => client.id === id);
  }

  private list(): Promise<WorkerClient[]> {
    if (this.clock.monotonic() - this.listedAt >= LIST_EVERY_MS) {
      this.listedAt = this.clock.monotonic();
      // Not every server and every user may list: then no address is told.
      this.clients = this.read().catch(() => []);
    }
    return this.clients;
  }

  private async read(): Promise<WorkerClient[]> {
    const { redis } = this;
    const servers = redis instanceof Cluster ? redis.nodes('master') : [redis];
    const answers = await Promise.all(servers.map((server) => server.client('LIST')));
    return answers.flatMap((answer) => list.parse(answer).split('\n').flatMap(clientOf));
  }
}

function clientOf(line: string): WorkerClient[] {
  const of = (field: string) => new RegExp(`(?:^| )${field}=(\\S+)`).exec(line)?.[1];
  const [id, address, name] = [of('id'), of('addr'), of('name')];
  if (id === undefined || address === undefined || name === undefined) return [];
  // Servers of a Cluster count for themselves.
  return [{ id: `${address} ${id}`, name, address: address.startsWith('/') ? null : address }];
}
