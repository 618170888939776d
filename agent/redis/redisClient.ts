import { Cluster, type ClusterNode, type ClusterOptions, type Redis } from 'ioredis';

/** A connection to one Redis, found directly or by Sentinel, or to a Cluster. Commands are the same. */
export type RedisClient = Redis | Cluster;

/** A Cluster of which one slot holds everything of ours: the slot of `slotKey`. */
export class SlotCluster extends Cluster {
  constructor(
    nodes: ClusterNode[],
    options: ClusterOptions,
    readonly slotKey: string,
  ) {
    super(nodes, options);
  }
}

/**
 * The servers that hold keys: those of commands without a key, such as SCAN and INFO, which a Cluster
 * sends to any node.
 * @throws Error when no server of a Cluster can be reached
 */
export async function mastersOf(redis: RedisClient): Promise<Redis[]> {
  if (!(redis instanceof Cluster)) return [redis];
  // Waits until the nodes are known.
  if (redis.status !== 'ready') await redis.ping();
  const masters = redis.nodes('master');
  if (masters.length === 0)
    throw new Error('Connection is closed: no master of the Cluster is known');
  return masters;
}
