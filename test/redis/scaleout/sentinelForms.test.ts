import { RedisSentinel } from '../../harness/redisSentinel.ts';
import { makeCore } from '../leases/core.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
import { redisNowMs } from '../../../agent/redis/redisNow.ts';

describe('sentinel spike', function () {
  this.timeout(90_000);
  it('works', async () => {
    let t = Date.now();
    const lap = (w: string) => { console.log(w, Date.now() - t); t = Date.now(); };
    const c = await RedisSentinel.start();
    lap('started');
    try {
      const con = await RedisConnections.open({ kind: 'url', url: c.url }, 'x');
      console.log(con.status(), await redisNowMs(con.commands));
      const core = makeCore(c, { redis: con.commands, config: { jobs: { keyed: { handler: 'x', unique: { by: ['key'] } } } } });
      console.log((await core.enqueuer.enqueue({ type: 'keyed', data: { key: 1 } })).outcome);
      lap('used');
      await c.failOver();
      lap('failed over');
      console.log((await core.enqueuer.enqueue({ type: 'keyed', data: { key: 1 } })).outcome);
      const m = await c.master();
      await m.kill();
      await c.successorOf(m);
      lap('killed');
      for (let i = 0; i < 50; i++) {
        try { console.log((await core.enqueuer.enqueue({ type: 'keyed', data: { key: 1 } })).outcome); break; } catch (e) { console.log(String(e)); await new Promise((r) => setTimeout(r, 200)); }
      }
      lap('again');
      con.close();
    } finally {
      await c.stop();
      lap('stopped');
    }
  });
});
