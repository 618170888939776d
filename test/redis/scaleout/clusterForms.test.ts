import assert from 'node:assert/strict';
import { RedisCluster } from '../../harness/redisCluster.ts';
import { makeCore } from '../leases/core.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
import { redisNowMs } from '../../../agent/redis/redisNow.ts';

describe('cluster spike', function () {
  this.timeout(60_000);
  it('works', async () => {
    const t0 = Date.now();
    const c = await RedisCluster.start();
    console.log('started', Date.now() - t0);
    try {
      const con = await RedisConnections.open({ kind: 'url', url: c.url, prefix: c.prefix }, 'x');
      console.log(con.status(), await redisNowMs(con.commands));
      const core = makeCore(c, { redis: con.commands, config: { jobs: { keyed: { handler: 'x', unique: { by: ['key'] } } } } });
      console.log(await core.enqueuer.enqueue({ type: 'keyed', data: { key: 1 } }));
      console.log((await core.enqueuer.enqueue({ type: 'keyed', data: { key: 1 } })).outcome);
      console.log(await core.queues.discover(), await core.queues.names());
      const before = await c.masterOf('{bull}');
      const t1 = Date.now();
      await c.failOver('{bull}');
      console.log('failed over', Date.now() - t1, before.port, (await c.masterOf('{bull}')).port);
      console.log((await core.enqueuer.enqueue({ type: 'keyed', data: { key: 1 } })).outcome);
      con.close();
    } finally {
      await c.stop();
    }
  });
});
