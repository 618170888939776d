import { currentHolder } from '../../../agent/state/processIdentity.ts';
import type { Core } from '../leases/core.ts';

/** So many leases and as many uniqueness keys with their jobs, as BullMQ and Interlock write them. */
export async function writeManyLocks({ redis, keys }: Core, count: number): Promise<void> {
  const now = Date.now();
  for (let from = 0; from < count; from += 1_000) {
    const pipeline = redis.pipeline();
    for (let index = from; index < Math.min(count, from + 1_000); index += 1) {
      const name = `stream:s${index}`;
      const holder = { ...currentHolder('all', `a${index % 20}`), alive: true };
      pipeline.hset(keys.lease(name), {
        ...{ name, kind: 'stream', subject: `s${index}`, token: `t${index}`, ttl: 600_000 },
        ...{ holder: JSON.stringify(holder), fence: now, acquiredAt: now, renewedAt: now },
      });
      pipeline.pexpire(keys.lease(name), 600_000);
      pipeline.sadd(keys.leaseIndex, name);
      const [id, deid] = [`j${index}`, `sync|[${index}]`];
      pipeline.set(keys.deduplication('default', deid), id);
      pipeline.hset(keys.job('default', id), { name: 'sync', timestamp: now, deid, data: '{}' });
      pipeline.lpush(keys.queue('default', 'wait'), id);
    }
    await pipeline.exec();
  }
}
