import assert from 'node:assert/strict';
import { systemClock } from '../../../agent/common/clock.ts';
import { InterlockError } from '../../../agent/common/errors.ts';
import type { Leases } from '../../../agent/leases/lease.ts';
import { Scheduler } from '../../../agent/schedules/scheduler.ts';
import { SCHEDULER_LOCK } from '../../../agent/schedules/schedulerLock.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore, SILENT, type Core } from '../leases/core.ts';

const EVERY_MS = 1_000;
const configWith = (every: number, lockTtl = 1_000) => ({
  jobs: { tick: { handler: 'x' } },
  schedules: { beat: { job: 'tick', every, data: { n: 1 } } },
  scheduler: { lockTtl, cycle: 200 },
});

describe('the scheduler', () => {
  let server: TestRedis;
  let core: Core;
  let running: Scheduler[];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    running = [];
    core = makeCore(server, { config: configWith(EVERY_MS) });
    await server.flush();
  });
  afterEach(async () => {
    await Promise.all(running.map((scheduler) => scheduler.close()));
  });

  function open(of: Core = core, leases: Leases = of.leases): Scheduler {
    const scheduler = new Scheduler({
      ...{ config: of.config, redis: of.redis, scripts: of.scripts, keys: of.keys, leases },
      ...{ enqueuing: of.enqueuer, decisions: of.decisions, clock: systemClock },
      ...{ logger: SILENT, holder: of.holder },
    });
    running.push(scheduler);
    return scheduler;
  }

  async function slotIds(): Promise<string[]> {
    const rows = await core.reader.list({ limit: 1_000, offset: 0 });
    return rows.map((row) => row.id).sort();
  }

  const slots = (count: number, deadlineMs = 8_000) =>
    eventually(
      `${count} slots`,
      async () => {
        const ids = await slotIds();
        return ids.length >= count && ids;
      },
      { deadlineMs },
    );

  it('enqueues each slot once with two of them, and the slot is in the id', async () => {
    const other = makeCore(server, { config: configWith(EVERY_MS) });
    open().start();
    open(other).start();
    const ids = await slots(3);
    const times = ids.map((id) => Number(/^slot-beat-(\d+)$/.exec(id)?.[1]));
    assert.deepEqual(
      times,
      times.map((_, index) => (times[0] ?? NaN) + index * EVERY_MS),
      'every slot, and each once',
    );
    assert.ok(times.every((time) => time % EVERY_MS === 0));
    const decided = (await core.recorded()).filter((one) => one.action === 'schedule');
    assert.equal(new Set(decided.map((one) => one.jobId)).size, decided.length);
    const job = await core.reader.detail(ids[0] ?? '');
    assert.deepEqual(job.data, { n: 1 });
  });

  it('enqueues each slot once even with no lock at all', async () => {
    const noLock: Leases = {
      ...{ list: () => Promise.resolve([]) },
      acquire: async () => {
        const fence = Number(await core.redis.hget(core.keys.lease(SCHEDULER_LOCK), 'fence'));
        const lease = {
          name: SCHEDULER_LOCK,
          fence,
          acquiredAtMs: 0,
          release: () => Promise.resolve(),
        };
        return {
          ...{ acquired: true, takenOverFrom: null, fenceBefore: 0 },
          lease: { ...lease, signal: new AbortController().signal },
        };
      },
    };
    await core.redis.hset(core.keys.lease(SCHEDULER_LOCK), 'fence', 7);
    for (let count = 0; count < 4; count += 1) {
      open(makeCore(server, { config: configWith(EVERY_MS) }), noLock).start();
    }
    const ids = await slots(2);
    assert.equal(new Set(ids).size, ids.length);
  });

  it('hands over at once when it closes', async () => {
    const first = open();
    first.start();
    await eventually(
      'the first to hold',
      async () => (await core.leases.list())[0]?.holder?.agentId === core.holder.agentId,
    );
    const other = makeCore(server, { config: configWith(EVERY_MS) });
    open(other).start();
    await first.close();
    await eventually(
      'the second to hold',
      async () => (await core.leases.list())[0]?.holder?.agentId === other.holder.agentId,
      { deadlineMs: 2_500 },
    );
  });

  it('begins with the next slot when it is new, and when its rule changes', async () => {
    const key = core.keys.schedule('beat');
    const daily = makeCore(server, { config: configWith(86_400_000) });
    const first = open(daily);
    first.start();
    await eventually('its note', () => core.redis.hget(key, 'slot'));
    assert.deepEqual(await slotIds(), [], 'today has begun already');
    await first.close();
    const weekly = makeCore(server, { config: configWith(7 * 86_400_000) });
    open(weekly).start();
    await eventually(
      'the new rule',
      async () => (await core.redis.hget(key, 'rule')) === 'every 604800000 ms',
    );
    assert.deepEqual(await slotIds(), []);
    assert.equal((await running[1]?.rows())?.[0]?.lastSlotAt, null);
  });

  it('finishes the slot that a dead one claimed and did not enqueue', async () => {
    const daily = makeCore(server, { config: configWith(86_400_000) });
    const slot = Math.floor(Date.now() / 86_400_000) * 86_400_000;
    const pending = { slot, state: 'pending', rule: 'every 86400000 ms', fence: 1 };
    await core.redis.hset(core.keys.schedule('beat'), pending);
    const scheduler = open(daily);
    scheduler.start();
    assert.deepEqual(await slots(1), [`slot-beat-${slot}`]);
    const row = await eventually('its outcome', async () => {
      const [one] = await scheduler.rows();
      return one?.lastOutcome !== null && one;
    });
    assert.equal(row.lastOutcome, 'accepted');
    assert.equal(row.lastBy, `${daily.holder.host}:${daily.holder.pid}`);
    assert.equal(row.lastSlotAt, new Date(slot).toISOString());
  });

  it('enqueues nothing any more when its lock is lost', async () => {
    open().start();
    await slots(1);
    // Another host takes the lock: no renewal, no proof of death, a fence that is higher.
    const lease = core.keys.lease(SCHEDULER_LOCK);
    const stolen = {
      token: 'x',
      fence: 99,
      holder: '{}',
      acquiredAt: 1,
      renewedAt: 1,
      ttl: 60_000,
    };
    await core.redis.multi().del(lease).hset(lease, stolen).exec();
    const before = await slotIds();
    const started = Date.now();
    await eventually('two more slots to pass', () => Date.now() - started > 2.2 * EVERY_MS);
    assert.ok((await slotIds()).length <= before.length + 1, 'at most the one under way');
  });

  it('writes nothing with a fence that is not the current one, a new rule neither', async () => {
    const { key, lock } = {
      key: core.keys.schedule('beat'),
      lock: core.keys.lease(SCHEDULER_LOCK),
    };
    await core.redis.hset(lock, 'fence', 99);
    await core.redis.hset(key, { slot: 1, state: 'done', rule: 'another' });
    const stale: Leases = {
      ...{ list: () => Promise.resolve([]) },
      acquire: () =>
        Promise.resolve({
          ...{ acquired: true, takenOverFrom: null, fenceBefore: 0 },
          lease: {
            ...{ name: SCHEDULER_LOCK, fence: 5, acquiredAtMs: 0 },
            ...{ signal: new AbortController().signal, release: () => Promise.resolve() },
          },
        }),
    };
    open(core, stale).start();
    const started = Date.now();
    await eventually('some cycles', () => Date.now() - started > 600);
    assert.deepEqual(await core.redis.hgetall(key), { slot: '1', state: 'done', rule: 'another' });
    assert.deepEqual(await slotIds(), []);
  });

  it('runs a schedule now when a person asks, and knows its schedules', async () => {
    const scheduler = open();
    const decision = await scheduler.control.runNow('beat');
    assert.deepEqual([decision.outcome, decision.subject], ['accepted', 'tick']);
    for (const name of ['nothing', 'constructor']) {
      await assert.rejects(scheduler.control.runNow(name), (error) => {
        assert.ok(error instanceof InterlockError);
        assert.equal(error.code, 'not_found');
        assert.match(error.remedy ?? '', /beat/);
        return true;
      });
    }
  });

  describe('of one server', () => {
    let single: RedisServer;

    before(async () => (single = await RedisServer.start()));
    after(() => single.stop());
    beforeEach(() => {
      core = makeCore(single, { config: configWith(EVERY_MS) });
    });

    it('goes on after Redis was away', async () => {
      open().start();
      await slots(1);
      await single.kill();
      await single.restart();
      const before = await slotIds();
      await slots(before.length + 1);
    });
  });
});
