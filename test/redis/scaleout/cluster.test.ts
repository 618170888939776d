import assert from 'node:assert/strict';
import { Queue, Worker } from 'bullmq';
import { systemClock } from '../../../agent/common/clock.ts';
import { InterlockError } from '../../../agent/common/errors.ts';
import { gatherRedisFacts } from '../../../agent/doctor/gatherRedisFacts.ts';
import { EventTail } from '../../../agent/feed/eventTail.ts';
import { DedupScan } from '../../../agent/reaper/dedupScan.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
import { redisNowMs } from '../../../agent/redis/redisNow.ts';
import { ThrowAwaySpace } from '../../../agent/simulate/throwAwaySpace.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisCluster } from '../../harness/redisCluster.ts';
import { deadHolder, makeCore, type Core } from '../leases/core.ts';
import { listed, locksOf } from '../locks/lockFixture.ts';

const KEYS = 20;
const ATTEMPTS = 200;
const RACERS = 3;
const CONFIG = {
  jobs: {
    keyed: { handler: 'x', unique: { by: ['key'] } },
    limited: { handler: 'x', queue: 'limited', maxConcurrent: 7 },
  },
  locks: { watch: ['redlock:*'] },
};
const LEASE = { name: 'stream:one', kind: 'stream', subject: 'one', ttlMs: 60_000 } as const;

describe('on Redis Cluster', function () {
  let cluster: RedisCluster;
  let open: RedisConnections[];
  let core: Core;

  before(async () => (cluster = await RedisCluster.start()));
  after(() => cluster.stop());
  beforeEach(async () => {
    open = [];
    await cluster.flush();
    core = await newCore();
  });
  afterEach(() => {
    for (const connections of open) connections.close();
  });

  /** One agent in small, connected as agents are. */
  async function newCore(): Promise<Core> {
    const connections = await connect();
    return makeCore(cluster, { redis: connections.commands, config: CONFIG });
  }

  async function connect(): Promise<RedisConnections> {
    const target = { kind: 'url', url: cluster.url, prefix: cluster.prefix } as const;
    const connections = await RedisConnections.open(target, 'test');
    open.push(connections);
    return connections;
  }

  it('several agents let in exactly what the rules allow, and all keys are in one slot', async () => {
    const cores = [core, ...(await Promise.all(Array.from({ length: RACERS - 1 }, newCore)))];
    const ask = async (of: Core, type: string, count: number) => {
      const asked = Array.from({ length: count }, (_, index) =>
        of.enqueuer.enqueue({ type, data: { key: index % KEYS } }),
      );
      return (await Promise.all(asked)).filter(({ outcome }) => outcome === 'accepted').length;
    };
    for (const [type, most] of [
      ['keyed', KEYS],
      ['limited', 7],
    ] as const) {
      const accepted = await Promise.all(cores.map((of) => ask(of, type, ATTEMPTS)));
      assert.equal(
        accepted.reduce((sum, count) => sum + count),
        most,
        type,
      );
    }
    assert.equal((await core.recorded()).length, RACERS * ATTEMPTS * 2);
    const sizes = await Promise.all((await cluster.masters()).map(({ redis }) => redis.dbsize()));
    assert.equal(
      sizes.filter((size) => size > 0).length,
      1,
      `keys of each master: ${sizes.join(', ')}`,
    );
  });

  it('a lease is taken over from the dead with a higher fence, and decisions tell its survivor', async () => {
    const dead = makeCore(cluster, { holder: deadHolder('gone'), redis: core.redis });
    const old = await dead.leases.acquire(LEASE);
    assert.ok(old.acquired);
    const other = await newCore();
    const results = await Promise.all([core, other].map((of) => of.leases.acquire(LEASE)));
    const won = results.flatMap((result) => (result.acquired ? [result] : []));
    assert.equal(won.length, 1);
    assert.equal(won[0]?.takenOverFrom?.agentId, 'gone');
    assert.ok(won[0].lease.fence > old.lease.fence);
    await Promise.all([old.lease.release(), won[0].lease.release()]);
  });

  it('the time is that of the server that has the keys', async () => {
    const master = await cluster.masterOf(cluster.prefix);
    const asked = async () => {
      const stats = await master.redis.info('commandstats');
      return Number(/cmdstat_time:calls=(\d+)/.exec(stats)?.[1] ?? 0);
    };
    const before = await asked();
    for (let round = 0; round < 12; round += 1) {
      assert.ok(Math.abs((await redisNowMs(core.redis)) - Date.now()) < 5_000);
    }
    assert.ok((await asked()) - before >= 12, 'no other server was asked');
  });

  it('locks of other programs are found in every slot', async () => {
    const names = Array.from({ length: 30 }, (_, index) => `redlock:${index}`);
    await Promise.all(names.map((name) => core.redis.set(name, 'x', 'PX', 60_000)));
    const found = (await listed(locksOf(core))).filter(({ kind }) => kind === 'watched');
    assert.deepEqual(found.map(({ subject }) => subject).sort(), names.sort());
  });

  it('orphaned uniqueness keys, foreign queues and left simulations are found on their masters', async () => {
    await core.redis.set(core.keys.deduplication('default', 'keyed|x'), 'no-such-job');
    const facts = await new DedupScan(core.redis, core.scripts, core.keys).scanAll();
    assert.deepEqual(
      facts.map(({ id, fate }) => [id, fate]),
      [['keyed|x', 'gone']],
    );
    const foreign = new Queue('foreign', { connection: core.redis, prefix: cluster.prefix });
    await foreign.add('x', {});
    assert.deepEqual(await core.queues.discover(), ['foreign']);
    const space = await ThrowAwaySpace.open(core.redis, cluster.prefix, {
      ...{ clock: systemClock, random: Math.random },
    });
    await core.redis.set(`${space.prefix}:x`, '1');
    await space.remove();
    assert.equal(await core.redis.exists(`${space.prefix}:x`), 0);
  });

  it('the doctor looks at every master', async () => {
    const [, careless] = await cluster.masters();
    await careless?.redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    const { redis } = await gatherRedisFacts(
      {
        ...{ workspace: '/', stateFolder: '/nowhere', redisUrl: cluster.url },
        ...{ env: {}, clock: systemClock, nodeVersion: process.version },
        connectAgent: () => Promise.reject(new Error('there is none')),
      },
      core.config,
    );
    await careless?.redis.config('SET', 'maxmemory-policy', 'noeviction');
    assert.ok(redis.state === 'connected');
    assert.equal(redis.server.maxMemoryPolicy, 'allkeys-lru');
    assert.equal(redis.server.appendOnly, true);
  });

  it('work and news go on after the master of the keys was killed', async () => {
    const connections = await connect();
    const news: string[] = [];
    const tail = new EventTail(
      connections.patient('events'),
      [core.keys.decisions],
      systemClock,
      (stream) => news.push(stream),
    );
    tail.start();
    const ran: string[] = [];
    const worker = new Worker('default', (job) => Promise.resolve(void ran.push(job.id ?? '')), {
      ...{ connection: connections.patient('workers'), prefix: cluster.prefix, drainDelay: 1 },
    });
    worker.on('error', () => undefined);
    const first = await core.enqueuer.enqueue({ type: 'keyed', data: { key: 'before' } });
    await eventually('the first run', () => ran.includes(first.jobId ?? '?'));

    const master = await cluster.masterOf(cluster.prefix);
    await master.redis.wait(1, 2_000);
    await master.kill();
    const second = await eventually('a decision of the new master', () =>
      core.enqueuer.enqueue({ type: 'keyed', data: { key: 'after' } }),
    );
    await eventually('its run', () => ran.includes(second.jobId ?? '?'));
    assert.equal(new Set(ran).size, ran.length, 'none ran twice');
    news.length = 0;
    await core.enqueuer.enqueue({ type: 'keyed', data: { key: 'later' } });
    await eventually('news', () => news.length > 0);
    await worker.close();
    tail.close();
    await master.restart();
  });

  it('one server of it is not taken for all of it', async () => {
    const [node] = cluster.nodes;
    const url = `redis://127.0.0.1:${node?.port}`;
    await assert.rejects(RedisConnections.open({ kind: 'url', url }, 'test'), (error) => {
      assert.ok(error instanceof InterlockError);
      assert.match(error.message, /is a server of a Cluster/);
      assert.match(error.remedy ?? '', /redis\+cluster:/);
      return true;
    });
  });
});
