import assert from 'node:assert/strict';
import { Redis } from 'ioredis';
import { pino } from 'pino';
import { systemClock } from '../../../agent/common/clock.ts';
import { InterlockError } from '../../../agent/common/errors.ts';
import type { Lease } from '../../../agent/leases/lease.ts';
import { Scripts } from '../../../agent/redis/scripts.ts';
import type { OwnEntry } from '../../../agent/streams/pool/registryEntry.ts';
import { shardLease } from '../../../agent/streams/pool/shardLease.ts';
import { StreamRegistry } from '../../../agent/streams/pool/streamRegistry.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { connectionRow } from '../../unit/agent/cli/rows.ts';
import { makeCore, SILENT, type Core } from '../leases/core.ts';

const STREAM = 'nse';
const EXPIRE_AFTER_MS = 60_000;
const LEASE_MS = 30_000;

const registryOf = (core: Core) =>
  new StreamRegistry({ ...core, clock: systemClock, logger: SILENT });

async function lease(core: Core, shard: number, ttlMs = LEASE_MS): Promise<Lease> {
  const name = shardLease(STREAM, shard);
  const result = await core.leases.acquire({ name, kind: 'stream', subject: STREAM, ttlMs });
  assert.ok(result.acquired, `${name} is free`);
  return result.lease;
}

function entryOf(core: Core, shard: number, fence: number): OwnEntry {
  const row = connectionRow({ shard, fence, holder: core.holder, symbols: [] });
  return { shard, fence, holder: core.holder, startedAtMs: 1, status: 'live', row };
}

describe('the registry of streams', () => {
  let server: TestRedis;
  let a: Core;
  let b: Core;
  let ofA: StreamRegistry;
  let ofB: StreamRegistry;
  const leases: Lease[] = [];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    a = makeCore(server);
    b = makeCore(server);
    ofA = registryOf(a);
    ofB = registryOf(b);
    await server.flush();
  });
  afterEach(async () => {
    for (const one of leases.splice(0)) await one.release();
  });

  const hold = async (core: Core, shard: number) => {
    const held = await lease(core, shard);
    leases.push(held);
    return held;
  };
  const shardsOf = async (registry: StreamRegistry) =>
    [...(await registry.read(STREAM)).keys()].sort();
  /** As if the last heartbeat were that long ago. */
  const age = async (shard: number, ms: number) => {
    const key = a.keys.streamEntries(STREAM);
    const text = (await a.redis.hget(key, String(shard))) ?? '';
    const aged = text.replace(/\d+/, (heartbeat) => String(Number(heartbeat) - ms));
    await a.redis.hset(key, String(shard), aged);
  };

  it('tells every agent who runs a shard, since when and how', async () => {
    const { fence } = await hold(a, 3);
    const entry = entryOf(a, 3, fence);
    assert.deepEqual(await ofA.write(STREAM, [entry], EXPIRE_AFTER_MS), []);
    const found = (await ofB.read(STREAM)).get(3);
    assert.ok(found !== undefined);
    const { heartbeatMs, ...rest } = found;
    assert.ok(Math.abs(heartbeatMs - Date.now()) < 5_000, 'Redis time');
    const holder = { ...a.holder, alive: true };
    const asOf = new Date(heartbeatMs).toISOString();
    assert.deepEqual(rest, { ...entry, holder, row: { ...entry.row, holder, asOf } });
  });

  it('is written by the holder of the lease alone, shard by shard', async () => {
    const ours = await hold(a, 0);
    const theirs = await hold(b, 1);
    const entries = [
      entryOf(a, 0, ours.fence),
      entryOf(a, 1, theirs.fence - 1),
      entryOf(a, 2, ours.fence),
    ];
    assert.deepEqual(await ofA.write(STREAM, entries, EXPIRE_AFTER_MS), [1, 2]);
    assert.deepEqual(await shardsOf(ofA), [0]);
  });

  it('keeps the entry of a successor from the one that lost the lease', async () => {
    const old = await lease(a, 0);
    await old.release();
    const next = await hold(b, 0);
    await ofB.write(STREAM, [entryOf(b, 0, next.fence)], EXPIRE_AFTER_MS);
    assert.deepEqual(await ofA.write(STREAM, [entryOf(a, 0, old.fence)], EXPIRE_AFTER_MS), [0]);
    await ofA.remove(STREAM, [{ shard: 0, fence: old.fence }]);
    assert.equal((await ofA.read(STREAM)).get(0)?.fence, next.fence);
    await ofB.remove(STREAM, [{ shard: 0, fence: next.fence }]);
    assert.deepEqual(await shardsOf(ofA), []);
  });

  it('takes hundreds of shards, and a fence with all its digits', async () => {
    const shards = Array.from({ length: 250 }, (_, shard) => shard);
    const fences = new Map<number, number>();
    for (const shard of shards) fences.set(shard, (await hold(a, shard)).fence);
    const entries = shards.map((shard) => entryOf(a, shard, fences.get(shard) ?? 0));
    assert.deepEqual(await ofA.write(STREAM, entries, EXPIRE_AFTER_MS), []);
    const found = await ofB.read(STREAM);
    assert.equal(found.size, 250);
    for (const [shard, fence] of fences) assert.equal(found.get(shard)?.fence, fence);
    await ofA.remove(STREAM, entries);
    assert.equal((await ofA.read(STREAM)).size, 0);
  });

  it('does nothing for no shard', async () => {
    assert.deepEqual(await ofA.write(STREAM, [], EXPIRE_AFTER_MS), []);
    await ofA.remove(STREAM, []);
    assert.deepEqual(await ofA.removeStale(STREAM, [], { staleAfterMs: 1, expireAfterMs: 2 }), []);
  });

  it('skips and tells what is no entry', async () => {
    const { fence } = await hold(a, 0);
    await ofA.write(STREAM, [entryOf(a, 0, fence)], EXPIRE_AFTER_MS);
    const key = a.keys.streamEntries(STREAM);
    const good = (await a.redis.hget(key, '0')) ?? '';
    await a.redis.hset(key, { 1: '{', 2: '{"heartbeatMs":1,"fence":2}', 3: good, x: good });
    const lines: string[] = [];
    const logger = pino({ base: null }, { write: (line: string) => void lines.push(line) });
    const registry = new StreamRegistry({ ...a, clock: systemClock, logger });
    assert.deepEqual([...(await registry.read(STREAM)).keys()], [0]);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /"entry":"nse\/1".*can not be read/);
  });

  it('ends as a whole when nobody writes any more', async () => {
    const { fence } = await hold(a, 0);
    await ofA.write(STREAM, [entryOf(a, 0, fence)], 200);
    assert.deepEqual(await shardsOf(ofA), [0]);
    await eventually('the entries to end', async () => (await shardsOf(ofA)).length === 0);
  });

  describe('removes what nobody keeps up', () => {
    const LIMITS = { staleAfterMs: 10_000, expireAfterMs: 100_000 };
    const write = async (shard: number) => {
      const held = await hold(a, shard);
      await ofA.write(STREAM, [entryOf(a, shard, held.fence)], EXPIRE_AFTER_MS);
      return held;
    };

    it('when the lease is gone', async () => {
      const held = await write(0);
      await held.release();
      assert.deepEqual(await ofB.removeStale(STREAM, [0], LIMITS), [], 'a young heartbeat');
      await age(0, 10_000);
      assert.deepEqual(await ofB.removeStale(STREAM, [0], LIMITS), [0]);
      assert.deepEqual(await shardsOf(ofB), []);
    });

    it('when the lease is another holder’s', async () => {
      const held = await write(0);
      await held.release();
      await hold(b, 0);
      await age(0, 10_000);
      assert.deepEqual(await ofB.removeStale(STREAM, [0], LIMITS), [0]);
    });

    it('not while its holder has the lease: age is no proof', async () => {
      await write(0);
      await age(0, 99_000);
      assert.deepEqual(await ofB.removeStale(STREAM, [0], LIMITS), []);
      assert.deepEqual(await shardsOf(ofB), [0]);
    });

    it('when the entry has ended', async () => {
      await write(0);
      await age(0, 100_000);
      assert.deepEqual(await ofB.removeStale(STREAM, [0, 1], LIMITS), [0]);
    });

    it('only of the shards that are asked for', async () => {
      for (const shard of [0, 1]) {
        await (await write(shard)).release();
        await age(shard, 20_000);
      }
      assert.deepEqual(await ofB.removeStale(STREAM, [1], LIMITS), [1]);
      assert.deepEqual(await shardsOf(ofB), [0]);
    });
  });

  it('says that Redis is away', async () => {
    const redis = new Redis({
      ...{ path: '/nowhere/redis.sock', lazyConnect: true, maxRetriesPerRequest: 0 },
      retryStrategy: () => null,
    });
    redis.on('error', () => undefined);
    const registry = new StreamRegistry({
      ...{ redis, scripts: new Scripts(redis), keys: a.keys, clock: systemClock, logger: SILENT },
    });
    const away = (error: unknown) =>
      error instanceof InterlockError && error.code === 'redis_unreachable';
    await assert.rejects(registry.read(STREAM), away);
    await assert.rejects(registry.write(STREAM, [entryOf(a, 0, 1)], EXPIRE_AFTER_MS), away);
    await assert.rejects(registry.remove(STREAM, [{ shard: 0, fence: 1 }]), away);
    redis.disconnect();
  });
});
