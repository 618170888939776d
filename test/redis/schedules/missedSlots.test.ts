import assert from 'node:assert/strict';
import { Queue } from 'bullmq';
import { systemClock, type Clock } from '../../../agent/common/clock.ts';
import { InterlockError } from '../../../agent/common/errors.ts';
import { ruleOf } from '../../../agent/schedules/slots.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import type { Core } from '../leases/core.ts';
import { jobIds, jobsOf, SchedulerBench, slotTimes, toldOf } from './schedulerFixture.ts';

/** Slots so far apart that none falls due during a test. */
const WEEK_MS = 7 * 86_400_000;
const CLOCK_ERROR_MS = 3 * 60_000;

describe('slots that were not enqueued in time', () => {
  let server: TestRedis;
  let bench: SchedulerBench;

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    bench = new SchedulerBench(server);
    await server.flush();
  });
  afterEach(() => bench.close());

  const newest = () => Math.floor(Date.now() / WEEK_MS) * WEEK_MS;

  /** A schedule whose last slot is so many slots ago. */
  async function behind(slots: number, schedule: object = {}, state: object = {}): Promise<Core> {
    const core = bench.core({ beat: { job: 'tick', every: WEEK_MS, ...schedule } });
    await core.redis.hset(core.keys.schedule('beat'), {
      ...{ slot: newest() - slots * WEEK_MS, state: 'done', rule: `every ${WEEK_MS} ms`, ...state },
    });
    return core;
  }

  const rowOf = async (core: Core) => (await bench.open(core).rows())[0];
  const settled = (core: Core) =>
    eventually('the newest slot to be dealt with', async () => {
      const [slot, state] = await core.redis.hmget(core.keys.schedule('beat'), 'slot', 'state');
      return Number(slot) === newest() && state === 'done';
    });

  it('run-once: the newest one is enqueued, the others are counted and recorded', async () => {
    const core = await behind(4);
    bench.start(core);
    await settled(core);
    assert.deepEqual(slotTimes(await jobIds(core)), [newest()]);
    assert.deepEqual(await toldOf(core, 'beat'), ['skipped slot_missed 3']);
    const [decision] = (await core.recorded()).filter(({ reason }) => reason === 'slot_missed');
    assert.deepEqual(
      [decision?.slots?.from, decision?.slots?.to],
      [newest() - 3 * WEEK_MS, newest() - WEEK_MS].map((ms) => new Date(ms).toISOString()),
    );
    assert.equal(await core.redis.hget(core.keys.schedule('beat'), 'enqueued'), String(newest()));
    const row = await rowOf(core);
    assert.equal(row?.missedSlots, 3);
    assert.deepEqual(
      row.lastSlots.map(({ outcome, count, reason }) => [outcome, count, reason]),
      [
        ['accepted', 1, null],
        ['skipped', 3, 'slot_missed'],
      ],
    );
  });

  it('catch-up: each is enqueued, the oldest first', async () => {
    const core = await behind(3, { missed: 'catch-up' });
    const queue = new Queue('default', { connection: core.redis, prefix: server.prefix });
    bench.start(core);
    await settled(core);
    const inOrder = (await queue.getJobs(['waiting'], 0, -1, true)).map(({ id }) => id ?? '');
    const times = [2, 1, 0].map((weeks) => newest() - weeks * WEEK_MS);
    assert.deepEqual(
      inOrder,
      times.map((ms) => `slot-beat-${ms}`),
    );
    assert.deepEqual(await toldOf(core, 'beat'), []);
  });

  it('catch-up: beyond its limit the oldest are left out, and that is told', async () => {
    const core = await behind(9, { missed: 'catch-up', catchUpLimit: 2 });
    bench.start(core);
    await settled(core);
    assert.equal((await jobIds(core)).length, 2);
    assert.deepEqual(await toldOf(core, 'beat'), ['skipped slot_missed 7']);
    assert.equal((await rowOf(core))?.missedSlots, 7);
  });

  it('skip: none is enqueued that is later than the grace', async () => {
    const core = await behind(3, { missed: 'skip' });
    bench.start(core);
    await settled(core);
    assert.deepEqual(await jobIds(core), []);
    assert.deepEqual(await toldOf(core, 'beat'), ['skipped slot_missed 3']);
    assert.equal((await rowOf(core))?.lastOutcome, 'skipped');
  });

  it('are accounted for once by many schedulers that follow each other', async () => {
    const core = await behind(5);
    const others = [0, 1, 2].map(() => bench.core({ beat: { job: 'tick', every: WEEK_MS } }));
    for (const one of [core, ...others]) {
      const scheduler = bench.start(one);
      await settled(core);
      await scheduler.close();
    }
    assert.deepEqual(await toldOf(core, 'beat'), ['skipped slot_missed 4']);
    assert.equal((await jobIds(core)).length, 1);
  });

  it('a slot whose job was added by one that died is not added again, though the job is gone', async () => {
    const slot = newest();
    const core = await behind(0, {}, { state: 'pending', enqueued: slot, '': `slot-beat-${slot}` });
    bench.start(core);
    await settled(core);
    assert.deepEqual(await jobIds(core), []);
    assert.equal((await rowOf(core))?.lastOutcome, 'accepted');
  });

  it('a schedule that was removed while due is not enqueued, and the others go on', async () => {
    const core = await behind(2, {}, { state: 'pending' });
    const without = bench.core({ other: { job: 'tick', every: 1_000 } });
    bench.start(without);
    await jobsOf(core, 1);
    assert.ok((await jobIds(core)).every((id) => id.startsWith('slot-other-')));
  });

  it('a schedule that was changed while due begins anew, and its claimed slot is told', async () => {
    const core = await behind(2, {}, { state: 'pending', missed: 3, skipSlot: 5 });
    const changed = bench.core({ beat: { job: 'tick', cron: '0 0 1 1 *', timezone: 'UTC' } });
    const scheduler = bench.start(changed);
    const rule = ruleOf({ job: 'tick', cron: '0 0 1 1 *', timezone: 'UTC' });
    await eventually('the new rule', async () => {
      return (await core.redis.hget(core.keys.schedule('beat'), 'rule')) === rule;
    });
    assert.deepEqual(await jobIds(core), []);
    assert.deepEqual(await toldOf(core, 'beat'), ['skipped slot_missed 1']);
    const [row] = await scheduler.rows();
    assert.deepEqual([row?.missedSlots, row?.skipSlotAt, row?.lastSlotAt], [0, null, null]);
  });

  for (const errorMs of [CLOCK_ERROR_MS, -CLOCK_ERROR_MS]) {
    it(`a scheduler whose clock is ${errorMs / 60_000} min off does no harm`, async () => {
      let jump = errorMs;
      const wrong: Clock = { ...systemClock, now: () => Date.now() + jump };
      const core = bench.core({ beat: { job: 'tick', every: 1_000 } });
      const scheduler = bench.start(core, wrong);
      await jobsOf(core, 2);
      // Its clock is set right in the middle of it.
      jump = 0;
      const times = slotTimes(await jobsOf(core, 4));
      assert.deepEqual(
        times,
        times.map((_, index) => (times[0] ?? NaN) + index * 1_000),
      );
      assert.ok(Math.abs(Date.now() - (times.at(-1) ?? NaN)) < 2_000, 'by the clock of Redis');
      jump = errorMs;
      const next = Date.parse((await scheduler.rows())[0]?.nextSlotAt ?? '');
      assert.ok(Math.abs(next - Date.now()) <= 1_500, `${next - Date.now()} ms`);
    });
  }

  it('a job that can not be made is told as refused, and keeps no other schedule waiting', async () => {
    const unique = { by: 'function' };
    const trouble = new InterlockError({ code: 'handler_failed', message: 'No such field.' });
    const core = bench.core(
      { bad: { job: 'odd', every: 1_000 }, beat: { job: 'tick', every: 1_000 } },
      { jobs: { tick: { handler: 'x' }, odd: { handler: 'y', unique } } },
      { customKey: () => Promise.reject(trouble) },
    );
    bench.start(core);
    const times = slotTimes(await jobsOf(core, 2));
    assert.equal((times[1] ?? 0) - (times[0] ?? 0), 1_000);
    const told = (await core.recorded()).find(({ subject }) => subject === 'odd');
    assert.deepEqual([told?.outcome, told?.remedy], ['refused', 'No such field.']);
    const bad = (await bench.open(core).rows()).find(({ name }) => name === 'bad');
    assert.equal(bad?.lastOutcome, 'refused');
  });

  it('a dynamic interval follows how long the jobs of its last slots ran', async () => {
    const core = bench.core({ beat: { job: 'tick', every: { min: 1_000, max: 60_000 } } });
    const scheduler = bench.start(core);
    const [first = ''] = await jobsOf(core, 1);
    const before = (await scheduler.rows())[0]?.interval;
    assert.deepEqual([before?.nowMs, before?.runMs, before?.runs], [1_000, null, 0]);
    await core.redis.hset(core.keys.job('default', first), {
      processedOn: 5_000,
      finishedOn: 5_250,
    });
    await jobsOf(core, 2);
    const after = await eventually('the interval to follow', async () => {
      const interval = (await scheduler.rows())[0]?.interval;
      return interval?.nowMs === 2_500 && interval;
    });
    assert.deepEqual([after.runMs, after.runs], [250, 1]);
    const times = slotTimes(await jobsOf(core, 3));
    assert.equal((times[2] ?? 0) - (times[1] ?? 0), 2_500);
    const other = bench.core({ beat: { job: 'tick', every: { min: 1_000, max: 60_000 } } });
    assert.deepEqual((await rowOf(other))?.nextSlots, (await rowOf(core))?.nextSlots);
  });
});
