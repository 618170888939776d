/** The lease of a shard. That of a stream with one connection is named like the stream alone. */
export function shardLease(stream: string, shard: number): string {
  return shard === 0 ? `stream:${stream}` : `stream:${stream}/${shard}`;
}
