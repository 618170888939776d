import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { InterlockError } from '../../../agent/common/errors.ts';
import type { Lease, LeaseRequest } from '../../../agent/leases/lease.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { deadHolder, foreignHolder, makeCore, type Core } from './core.ts';

const TTL_MS = 400;

const request = (changes: Partial<LeaseRequest> = {}): LeaseRequest => ({
  ...{ name: 'stream:nse', kind: 'stream', subject: 'nse', ttlMs: TTL_MS },
  ...changes,
});

async function take(core: Core, changes: Partial<LeaseRequest> = {}): Promise<Lease> {
  const result = await core.leases.acquire(request(changes));
  if (!result.acquired) assert.fail(`the lease is not free: ${JSON.stringify(result.held)}`);
  return result.lease;
}

async function refused(core: Core, changes: Partial<LeaseRequest> = {}) {
  const result = await core.leases.acquire(request(changes));
  assert.ok(!result.acquired, 'the lease is held');
  return result.held;
}

function assertLost(lease: Lease): void {
  assert.equal(lease.signal.aborted, true);
  const why: unknown = lease.signal.reason;
  assert.ok(why instanceof InterlockError);
  assert.equal(why.code, 'lease_lost');
  assert.match(why.message, new RegExp(`fence ${lease.fence}`));
}

describe('leases', () => {
  let server: TestRedis;
  let a: Core;
  let b: Core;

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    a = makeCore(server);
    b = makeCore(server);
    await server.flush();
  });

  it('have one holder, and say who it is', async () => {
    const lease = await take(a);
    const held = await refused(b);
    assert.deepEqual(held.holder, a.holder);
    assert.deepEqual([held.fence, held.acquiredAtMs], [lease.fence, lease.acquiredAtMs]);
    assert.ok(held.ttlMs > 0 && held.ttlMs <= TTL_MS);
    await lease.release();
  });

  it('are held for as long as they are renewed, many times their TTL', async () => {
    const lease = await take(a, { ttlMs: 600 });
    const before = (await refused(b)).renewedAtMs;
    await eventually('five times its TTL', async () => {
      const held = await refused(b);
      assert.equal(lease.signal.aborted, false);
      return held.renewedAtMs - before > 5 * 600;
    });
    const [row] = await a.leases.list();
    assert.ok(row !== undefined && (row.ageMs ?? 0) > 5 * 600);
    await lease.release();
  });

  it('are free at once when they are released, which is no loss', async () => {
    const lease = await take(a);
    await lease.release();
    await lease.release();
    assert.equal(lease.signal.aborted, false);
    const second = await take(b);
    await lease.release();
    assert.equal((await refused(a)).fence, second.fence, 'a late release frees nothing');
    await second.release();
  });

  it('have fencing tokens that grow over a Redis that lost everything, or was rolled back', async () => {
    const first = await take(a);
    await first.release();
    await server.flush();
    const second = await take(a);
    await second.release();
    assert.ok(second.fence > first.fence);
    // What an older copy of the data would say.
    await a.redis.hset(a.keys.fences, 'stream:nse', first.fence - 1_000_000);
    const third = await take(a);
    assert.ok(third.fence > second.fence);
    await third.release();
    // A Redis whose clock was ahead gave tokens that this one's clock has not reached.
    await a.redis.hset(a.keys.fences, 'stream:nse', third.fence + 60_000_000);
    const fourth = await take(a);
    assert.equal(fourth.fence, third.fence + 60_000_001);
    await fourth.release();
  });

  it('are lost when their key is gone', async () => {
    const lease = await take(a);
    await b.redis.del(b.keys.lease('stream:nse'));
    await eventually('the loss', () => lease.signal.aborted, { deadlineMs: TTL_MS + 1_000 });
    assertLost(lease);
  });

  it('are lost when another has them, and the loser leaves them alone', async () => {
    const lease = await take(a);
    await b.redis.del(b.keys.lease('stream:nse'));
    const thief = await take(b);
    await eventually('the loss', () => lease.signal.aborted, { deadlineMs: TTL_MS + 1_000 });
    assertLost(lease);
    await lease.release();
    assert.equal((await refused(a)).fence, thief.fence);
    assert.ok(thief.fence > lease.fence);
    await thief.release();
  });

  it('are not freed by one that has lost them and does not know it yet', async () => {
    const lease = await take(a);
    await b.redis.del(b.keys.lease('stream:nse'));
    const thief = await take(b);
    assert.equal(lease.signal.aborted, false);
    await lease.release();
    assert.equal((await refused(a)).fence, thief.fence);
    await thief.release();
  });

  it('of a dead process of this host are taken over at once', async () => {
    const dead = makeCore(server, { holder: deadHolder('gone') });
    const old = await take(dead, { ttlMs: 60_000 });
    const startedAt = performance.now();
    const result = await a.leases.acquire(request());
    assert.ok(performance.now() - startedAt < 5_000);
    assert.ok(result.acquired);
    assert.equal(result.takenOverFrom?.agentId, 'gone');
    assert.ok(result.lease.fence > old.fence);
    await result.lease.release();
    await old.release();
  });

  it('of another host are never taken: they end with their TTL', async () => {
    const foreign = makeCore(server, { holder: foreignHolder('far') });
    const result = await foreign.leases.acquire(request());
    assert.ok(result.acquired);
    assert.equal((await refused(a)).holder.alive, null);
    foreign.redis.disconnect();
    const before = await refused(a);
    const lease = await eventually('its end', async () => {
      const attempt = await a.leases.acquire(request());
      return attempt.acquired && attempt.lease;
    });
    assert.ok(lease.acquiredAtMs - before.renewedAtMs >= TTL_MS, 'not before its TTL');
    await lease.release();
  });

  it('with a holder that can not be read are not taken for dead', async () => {
    const lease = await take(a);
    await b.redis.hset(b.keys.lease('stream:nse'), 'holder', '{"pid":');
    const held = await refused(b);
    assert.deepEqual([held.holder.host, held.holder.alive], ['?', null]);
    await lease.release();
  });

  it('are released without an error when Redis is gone', async () => {
    const other = await RedisServer.start();
    const target = { kind: 'private', socketPath: other.socketPath } as const;
    const connections = await RedisConnections.open(target, 'test');
    const lease = await take(makeCore(other, { redis: connections.commands }));
    await other.kill();
    await lease.release();
    connections.close();
    assert.equal(lease.signal.aborted, false);
    await other.stop();
  });

  describe('of one server', () => {
    let single: RedisServer;

    before(async () => (single = await RedisServer.start()));
    after(() => single.stop());
    beforeEach(async () => {
      a = makeCore(single);
      await single.flush();
    });

    it('have fencing tokens that only grow: over release, expiry and a restart of Redis', async () => {
      const fences: number[] = [];
      const takeAndRelease = async () => {
        const lease = await take(a);
        fences.push(lease.fence);
        await lease.release();
      };
      await takeAndRelease();
      await takeAndRelease();
      await a.redis.del(a.keys.lease('stream:nse'));
      await takeAndRelease();
      await single.kill();
      await single.restart();
      // A disk that is slow to sync holds back what is appended: the last release may be lost, and then
      // the lease is free when its TTL has passed.
      await eventually('the lease to be free', () => takeAndRelease().then(() => true));
      assert.deepEqual(
        fences,
        [...new Set(fences)].sort((x, y) => x - y),
      );
      assert.equal(fences.length, 4);
    });

    it('are lost within their TTL when Redis does not answer, and are not renewed later', async () => {
      const lease = await take(a);
      single.freeze();
      try {
        // Timers of one process fire in the order in which they are due, however busy the machine is.
        const tooLate = delay(TTL_MS + 50).then(() => 'too late');
        const lost = once(lease.signal, 'abort').then(() => 'lost');
        assert.equal(await Promise.race([lost, tooLate]), 'lost');
        assertLost(lease);
      } finally {
        single.thaw();
      }
      await eventually('its end in Redis', async () => (await a.leases.list()).length === 0);
    });
  });
});

describe('the list of leases', () => {
  let server: TestRedis;
  let a: Core;
  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    a = makeCore(server);
    await server.flush();
  });

  it('tells name, kind, holder, fence, times and state of each', async () => {
    const lease = await take(a, { name: 'scheduler:global_lock', kind: 'scheduler' });
    const dead = makeCore(server, { holder: deadHolder('gone') });
    const gone = await take(dead, { name: 'stream:b', subject: 'b' });
    const rows = await a.leases.list();
    assert.deepEqual(
      rows.map((row) => [row.name, row.kind, row.subject, row.state, row.holder?.alive]),
      [
        ['scheduler:global_lock', 'scheduler', 'nse', 'held', true],
        ['stream:b', 'stream', 'b', 'holder_dead', false],
      ],
    );
    const row = rows[0];
    assert.ok(row !== undefined);
    assert.equal(row.fence, lease.fence);
    assert.equal(row.acquiredAt, new Date(lease.acquiredAtMs).toISOString());
    assert.ok(row.ttlMs !== null && row.ttlMs > 0 && row.ttlMs <= TTL_MS);
    assert.ok(row.ageMs !== null && row.ageMs >= 0);
    await Promise.all([lease.release(), gone.release()]);
    assert.deepEqual(await a.leases.list(), []);
  });

  it('forgets the names of leases that ended by themselves', async () => {
    const lease = await take(a);
    await a.redis.del(a.keys.lease('stream:nse'));
    assert.equal(await a.redis.scard(a.keys.leaseIndex), 1);
    assert.deepEqual(await a.leases.list(), []);
    assert.equal(await a.redis.scard(a.keys.leaseIndex), 0);
    await lease.release();
  });

  it('leaves out what is no lease and keeps the rest', async () => {
    const lease = await take(a);
    await a.redis.hset(a.keys.lease('odd'), 'name', 'odd');
    await a.redis.sadd(a.keys.leaseIndex, 'odd');
    assert.deepEqual(
      (await a.leases.list()).map((row) => row.name),
      ['stream:nse'],
    );
    await lease.release();
  });
});
