import assert from 'node:assert/strict';
import { pino } from 'pino';
import { systemClock } from '../../../agent/common/clock.ts';
import type { Lease } from '../../../agent/leases/lease.ts';
import { redisNowMs } from '../../../agent/redis/redisNow.ts';
import type { HealthSubject } from '../../../agent/streams/pool/assessStream.ts';
import { shardLease } from '../../../agent/streams/pool/shardLease.ts';
import {
  StreamHealth,
  type HealthSummary,
  type StreamHealthOptions,
} from '../../../agent/streams/pool/streamHealth.ts';
import { StreamRegistry } from '../../../agent/streams/pool/streamRegistry.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { connectionRow } from '../../unit/agent/cli/rows.ts';
import { ManualClock } from '../../unit/agent/streams/manualClock.ts';
import { makeCore, SILENT, type Core } from '../leases/core.ts';

const EVERY_MS = 300_000;
const HOUR_MS = 3_600_000;

const subject = (facts: Partial<HealthSubject> = {}): HealthSubject => ({
  ...{ name: 'nse', wanted: true, sleep: null, shards: [0, 1] },
  ...{ staleAfterMs: 120_000, expireAfterMs: HOUR_MS, ...facts },
});

describe('the health check of streams', () => {
  let server: TestRedis;
  let core: Core;
  let registry: StreamRegistry;
  let asked: [string, readonly number[]][];
  let told: HealthSummary[];
  let lines: string[];
  const leases: Lease[] = [];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    core = makeCore(server);
    registry = new StreamRegistry({ ...core, clock: systemClock, logger: SILENT });
    asked = [];
    told = [];
    lines = [];
    await server.flush();
  });
  afterEach(async () => {
    for (const lease of leases.splice(0)) await lease.release();
  });

  const healthOf = (subjects: HealthSubject[], changes: Partial<StreamHealthOptions> = {}) =>
    new StreamHealth({
      ...{ registry, clock: systemClock, everyMs: EVERY_MS, streams: () => subjects },
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
      nowMs: () => redisNowMs(core.redis),
      restart: (stream, shards) => void asked.push([stream, shards]),
      onSummary: (summary) => void told.push(summary),
      ...changes,
    });

  /** A shard that runs, by this process, with a heartbeat that long ago. */
  async function run(shard: number, ageMs = 0): Promise<Lease> {
    const name = shardLease('nse', shard);
    const result = await core.leases.acquire({
      ...{ name, kind: 'stream', subject: 'nse', ttlMs: 30_000 },
    });
    assert.ok(result.acquired);
    leases.push(result.lease);
    const { fence } = result.lease;
    const row = connectionRow({ shard });
    const entry = {
      shard,
      fence,
      holder: core.holder,
      startedAtMs: 1,
      status: 'live',
      row,
    } as const;
    await registry.write('nse', [entry], 2 * HOUR_MS);
    const key = core.keys.streamEntries('nse');
    const text = (await core.redis.hget(key, String(shard))) ?? '';
    const aged = text.replace(/\d+/, (heartbeat) => String(Number(heartbeat) - ageMs));
    await core.redis.hset(key, String(shard), aged);
    return result.lease;
  }

  it('finds all well, and says so', async () => {
    await run(0);
    await run(1);
    const summaries = await healthOf([subject()]).check();
    const [one] = summaries;
    assert.ok(one !== undefined && summaries.length === 1);
    const { at, ...health } = one.health;
    assert.deepEqual(
      { stream: one.stream, ...health },
      {
        ...{ stream: 'nse', ok: true, summary: '2 of 2 connections live' },
      },
    );
    assert.ok(Math.abs(Date.parse(at) - Date.now()) < 5_000);
    assert.deepEqual([asked, told], [[], summaries]);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /"level":30.*"stream":"nse".*2 of 2 connections live/);
  });

  it('starts what is missing', async () => {
    await run(0);
    const [one] = await healthOf([subject()]).check();
    assert.equal(one?.health.summary, '1 of 2 connections live; shard 1 missing, started again');
    assert.deepEqual(asked, [['nse', [1]]]);
    assert.match(lines[0] ?? '', /"level":40/);
  });

  it('removes what a dead agent left, and starts it', async () => {
    const lease = await run(0, 200_000);
    await run(1);
    await lease.release();
    const [one] = await healthOf([subject()]).check();
    assert.equal(
      one?.health.summary,
      '1 of 2 connections live; shard 0 missing, started again; 1 stale entry removed',
    );
    assert.deepEqual(asked, [['nse', [0]]]);
    assert.deepEqual([...(await registry.read('nse')).keys()], [1]);
  });

  it('leaves the entry of a holder that lives and is silent, and says who it is', async () => {
    await run(0, 200_000);
    await run(1);
    const [one] = await healthOf([subject()]).check();
    assert.match(one?.health.summary ?? '', /shard 0: no heartbeat for 3 min 20 s, but its lease/);
    assert.deepEqual(asked, []);
    assert.equal((await registry.read('nse')).size, 2);
  });

  it('starts nothing outside the hours, and removes what is left from within them', async () => {
    const lease = await run(0, 200_000);
    await lease.release();
    await run(1, HOUR_MS);
    const sleep = { untilMs: Date.now() + HOUR_MS, timezone: 'UTC' };
    const [one] = await healthOf([subject({ sleep })]).check();
    assert.match(one?.health.summary ?? '', /^sleeps until .* \(UTC\); 2 stale entries removed$/);
    assert.equal(one?.health.ok, true);
    assert.deepEqual(asked, []);
    assert.equal((await registry.read('nse')).size, 0);
  });

  it('looks at the other streams when one can not be read', async () => {
    await core.redis.set(core.keys.streamEntries('bad'), 'no hash');
    const all = [subject({ name: 'bad' }), subject({ name: 'other', wanted: false })];
    const [bad, other] = await healthOf(all).check();
    assert.equal(bad?.health.ok, false);
    assert.match(bad.health.summary, /^not checked: .*"bad".*WRONGTYPE/);
    assert.equal(other?.health.summary, 'stopped');
  });

  it('says that Redis is away, and looks again', async () => {
    const own = await RedisServer.start();
    const redis = own.client();
    redis.options.maxRetriesPerRequest = 0;
    try {
      const health = healthOf([subject({ shards: [] })], { nowMs: () => redisNowMs(redis) });
      await eventually('Redis', async () => (await health.check())[0]?.health.ok === true);
      await own.kill();
      const [away] = await health.check();
      assert.equal(away?.health.ok, false);
      assert.match(away.health.summary, /^not checked: /);
      await own.restart();
      await eventually('Redis again', async () => (await health.check())[0]?.health.ok === true);
    } finally {
      await own.stop();
    }
  });

  it('looks from time to time until it is closed', async () => {
    const clock = new ManualClock();
    const health = healthOf([subject({ wanted: false })], { clock });
    health.start();
    await clock.advance(EVERY_MS - 1);
    assert.equal(told.length, 0, 'not at once: what has just begun is not missing');
    await clock.advance(1);
    await eventually('the first look', () => told.length === 1);
    await health.check();
    const before = told.length;
    await clock.advance(EVERY_MS);
    await eventually('the next look', () => told.length === before + 1);
    await health.close();
    await clock.advance(10 * EVERY_MS);
    assert.equal(told.length, before + 1);
  });

  it('is one look, however often it is asked for at a time', async () => {
    const health = healthOf([subject()]);
    const [one, other] = await Promise.all([health.check(), health.check()]);
    assert.equal(one, other);
    assert.equal(asked.length, 1);
  });

  it('starts and tells nothing once it is closed', async () => {
    const health = healthOf([subject()]);
    const look = health.check();
    await health.close();
    await look;
    assert.deepEqual([asked, told], [[], []]);
  });
});
