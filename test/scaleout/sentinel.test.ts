import assert from 'node:assert/strict';
import { systemClock } from '../../agent/common/clock.ts';
import { InterlockError } from '../../agent/common/errors.ts';
import { EventTail } from '../../agent/feed/eventTail.ts';
import { RedisConnections } from '../../agent/redis/connections.ts';
import { eventually } from '../harness/eventually.ts';
import { RedisSentinel } from '../harness/redisSentinel.ts';
import { makeCore, type Core } from '../redis/leases/core.ts';

const CONFIG = { jobs: { keyed: { handler: 'x', unique: { by: ['key'] } } } };
const LEASE = { name: 'stream:one', kind: 'stream', subject: 'one', ttlMs: 60_000 } as const;
/** Jobs that are accepted before the master dies, and after. */
const BEFORE = 50;
const AFTER = 50;

describe('with Sentinel', function () {
  // A sentinel whose machine stalls for 2 s decides nothing for 30 s.
  this.timeout(120_000);
  let redis: RedisSentinel;
  let open: RedisConnections[];
  let core: Core;

  before(async () => (redis = await RedisSentinel.start()));
  after(() => redis.stop());
  beforeEach(async () => {
    open = [];
    await redis.flush();
    const connections = await connect(redis.url);
    core = makeCore(redis, { redis: connections.commands, config: CONFIG });
  });
  afterEach(() => {
    for (const connections of open) connections.close();
  });

  async function connect(url: string): Promise<RedisConnections> {
    const connections = await RedisConnections.open({ kind: 'url', url }, 'test');
    open.push(connections);
    return connections;
  }

  const enqueue = (key: number | string) => core.enqueuer.enqueue({ type: 'keyed', data: { key } });
  const waiting = async () =>
    (await core.queues.get('default').getWaiting()).map((job) => job.id ?? '');

  it('a master that nobody knows, and sentinels that are away, are told as what they are', async () => {
    const unknown = redis.url.replace(/\/main$/, '/other');
    for (const [url, message] of [
      [unknown, /know no master of this name/],
      [
        'redis+sentinel://127.0.0.1:1/main',
        /can not be reached: failed to connect to sentinel 127\.0\.0\.1:1/,
      ],
      [`redis://127.0.0.1:${redis.sentinels[0]?.port}`, /is a Sentinel/],
    ] as const) {
      await assert.rejects(RedisConnections.open({ kind: 'url', url }, 'test'), (error) => {
        assert.ok(error instanceof InterlockError);
        assert.equal(error.code, 'redis_unreachable');
        assert.match(error.message, message);
        return true;
      });
    }
  });

  it('no job is doubled when the master is killed in mid-run, and what is lost is counted', async () => {
    const accepted: string[] = [];
    let unanswered = 0;
    let key = 0;
    const ask = async () => {
      key += 1;
      try {
        const decision = await enqueue(key);
        // Asked again after its answer got lost, it may be told as queued already: by itself.
        accepted.push(decision.jobId ?? '');
      } catch {
        unanswered += 1;
      }
    };
    while (accepted.length < BEFORE) await ask();
    const former = await redis.master();
    const killed = former.kill();
    const goes = redis.successorOf(former);
    while (accepted.length < BEFORE + AFTER) await ask();
    await Promise.all([killed, goes]);

    const there = await waiting();
    assert.equal(new Set(accepted).size, accepted.length, 'each question has a job of its own');
    assert.equal(new Set(there).size, there.length, 'no job is there twice');
    const lost = accepted.filter((id) => !there.includes(id)).length;
    const unasked = there.filter((id) => !accepted.includes(id)).length;
    // Replication is as fast as this machine: what was answered before the kill is on a replica, but
    // for what was under way in that moment.
    assert.ok(lost <= 1, `${lost} accepted jobs were lost`);
    assert.ok(unasked <= unanswered, 'what is there without an answer was asked for');
    await former.restart();
  });

  it('what was not replicated is lost by a failover, and fencing tokens grow all the same', async () => {
    const lease = await core.leases.acquire(LEASE);
    assert.ok(lease.acquired);
    const kept = await enqueue('kept');
    const former = await redis.master();
    await former.redis.wait(2, 5_000);
    // The replicas get nothing any more: the master answers all the same.
    const replicas = await redis.replicas();
    for (const replica of replicas) replica.freeze();
    // What lies in their sockets would come through when they wake up.
    await former.redis.client('KILL', 'TYPE', 'REPLICA');
    const lost = await enqueue('lost');
    await lease.lease.release();
    const later = await core.leases.acquire(LEASE);
    assert.ok(later.acquired);
    await former.kill();
    for (const replica of replicas) replica.thaw();
    await redis.successorOf(former);

    const there = await eventually('the new master to answer', () => waiting());
    assert.deepEqual(there, [kept.jobId], 'what was written without a replica is gone');
    const again = await enqueue('lost');
    assert.equal(again.outcome, 'accepted', 'and so is its uniqueness key');
    assert.notEqual(again.jobId, lost.jobId);
    // The new master knows the first lease, and nothing of the second one and its token.
    const known = Number(await core.redis.hget(core.keys.fences, LEASE.name));
    assert.equal(known, lease.lease.fence);
    await core.redis.del(core.keys.lease(LEASE.name));
    const next = await core.leases.acquire(LEASE);
    assert.ok(next.acquired);
    assert.ok(next.lease.fence > later.lease.fence, 'by the time of Redis, not by what it knows');
    await Promise.all([later.lease.release(), next.lease.release()]);
    await former.restart();
  });

  it('news come from the new master when the old one is only frozen', async () => {
    const connections = await connect(redis.url);
    let news = 0;
    const tail = new EventTail(
      connections.patient('events'),
      [core.keys.decisions],
      systemClock,
      () => (news += 1),
    );
    tail.start();
    await enqueue('first');
    await eventually('news', () => news > 0);
    const former = await redis.master();
    await former.redis.wait(1, 2_000);
    former.freeze();
    await redis.successorOf(former);
    news = 0;
    await eventually('an answer of the new master', () => enqueue('second'));
    await eventually('news of the new master', () => news > 0);
    tail.close();
    former.thaw();
  });
});
