import assert from 'node:assert/strict';
import { systemClock } from '../../../agent/common/clock.ts';
import { InterlockError } from '../../../agent/common/errors.ts';
import { EventTail } from '../../../agent/feed/eventTail.ts';
import type { Decision } from '../../../agent/protocol/decision.ts';
import { mastersOf } from '../../../agent/redis/redisClient.ts';
import { redisNowMs } from '../../../agent/redis/redisNow.ts';
import { declaredSchedules } from '../../../agent/schedules/declaredSchedule.ts';
import { readSchedule } from '../../../agent/schedules/scheduleState.ts';
import type { Scheduler } from '../../../agent/schedules/scheduler.ts';
import { SCHEDULER_LOCK } from '../../../agent/schedules/schedulerLock.ts';
import { nextStep } from '../../../agent/schedules/slotPlan.ts';
import { SlotWriter } from '../../../agent/schedules/slotWriter.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { deadHolder, type Core } from '../leases/core.ts';
import { jobIds, jobsOf, SchedulerBench, slotTimes, toldOf } from './schedulerFixture.ts';

const BEAT = { beat: { job: 'tick', every: 1_000, missed: 'catch-up' } };
const HANDOVERS = 20;
/** A quarter of what the end of the lock alone would take; of the median, as a machine may be busy. */
const HANDOVER_P50_MS = 250;

describe('what people ask of schedules', () => {
  let server: TestRedis;
  let bench: SchedulerBench;
  let core: Core;
  let other: Core;
  let scheduler: Scheduler;

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    bench = new SchedulerBench(server);
    await server.flush();
    core = bench.core(BEAT);
    other = bench.core(BEAT);
    scheduler = bench.open(core);
  });
  afterEach(() => bench.close());

  const passed = async (slots: number) => {
    const from = Date.now();
    await eventually(`${slots} slots to pass`, () => Date.now() - from > slots * 1_000 + 200);
  };

  it('a pause is seen by every scheduler, and no slot of it is caught up', async () => {
    // The one that is asked is not the one that enqueues.
    bench.start(other);
    await jobsOf(core, 1);
    assert.equal((await scheduler.control.pause('beat')).outcome, 'accepted');
    const [paused] = await scheduler.rows();
    assert.ok(paused?.pausedAt);
    assert.deepEqual([paused.nextSlotAt, paused.nextSlots], [null, []]);
    const before = await jobIds(core);
    await passed(2);
    assert.ok((await jobIds(core)).length <= before.length + 1, 'at most the one under way');
    assert.equal((await scheduler.control.runNow('beat')).outcome, 'accepted', 'a person may');
    assert.equal((await scheduler.control.resume('beat')).outcome, 'accepted');
    const resumedAt = Date.now();
    const count = (await jobIds(core)).length;
    const ids = await jobsOf(core, count + 1);
    const times = slotTimes(ids.filter((id) => id.startsWith('slot-')));
    assert.ok((times.at(-1) ?? 0) > resumedAt - 1_000);
    const told = await toldOf(core, 'beat');
    assert.match(
      told.join('; '),
      /^accepted within_limits; accepted within_limits; skipped schedule_paused [23]$/,
    );
    const [row] = await scheduler.rows();
    assert.deepEqual([row?.pausedAt, row?.missedSlots], [null, 0]);
  });

  it('a schedule that is paused while due is not enqueued, and that is told when it goes on', async () => {
    const { slot } = { slot: Math.floor(Date.now() / 1_000) * 1_000 - 3_000 };
    const due = { slot, state: 'done', rule: 'every 1000 ms' };
    await core.redis.hset(core.keys.schedule('beat'), due);
    await scheduler.control.pause('beat');
    bench.start(other);
    await eventually('a leader', async () => (await core.leases.list()).length === 1);
    await passed(1);
    assert.deepEqual(await jobIds(core), []);
    await scheduler.control.resume('beat');
    const [first = 0] = slotTimes(await jobsOf(core, 1));
    const all = (await core.recorded()).flatMap(({ slots, reason }) =>
      slots === undefined ? [] : [{ reason, count: slots.count }],
    );
    assert.deepEqual(
      all.map(({ reason }) => reason),
      ['slot_missed', 'schedule_paused'],
    );
    const count = all.reduce((sum, one) => sum + one.count, 0);
    assert.equal(count, (first - slot) / 1_000 - 1, 'every slot up to the first that is enqueued');
  });

  it('the next slot is skipped, and no other', async () => {
    bench.start(other);
    await jobsOf(core, 1);
    const decision = await scheduler.control.skipNext('beat');
    assert.equal(decision.outcome, 'accepted');
    const skipped = Date.parse(decision.slots?.from ?? '');
    const [row] = await scheduler.rows();
    assert.equal(row?.skipSlotAt, decision.slots?.from);
    assert.ok(!row?.nextSlots.includes(row.skipSlotAt));
    const times = await eventually('two slots after it', async () => {
      const found = slotTimes(await jobIds(core)).filter((ms) => ms > skipped);
      return found.length >= 2 && found;
    });
    assert.deepEqual(times.slice(0, 2), [skipped + 1_000, skipped + 2_000]);
    assert.ok(!(await jobIds(core)).includes(`slot-beat-${skipped}`));
    assert.deepEqual(await toldOf(core, 'beat'), [
      'accepted within_limits 1',
      'skipped skipped_by_person 1',
    ]);
  });

  it('what is so already is told as skipped; what is not there as not found', async () => {
    const answer = async (asked: Promise<Decision>) => {
      const { outcome, reason, remedy } = await asked;
      assert.ok(remedy, 'what there is to do');
      return [outcome, reason];
    };
    assert.deepEqual(await answer(scheduler.control.resume('beat')), ['skipped', 'not_paused']);
    await scheduler.control.pause('beat');
    assert.deepEqual(await answer(scheduler.control.pause('beat')), ['skipped', 'schedule_paused']);
    await assert.rejects(scheduler.control.skipNext('beat'), /not settled/);
    bench.start(other);
    await eventually('it to begin', () => core.redis.hget(core.keys.schedule('beat'), 'slot'));
    assert.deepEqual(await answer(scheduler.control.skipNext('beat')), [
      ...['skipped', 'schedule_paused'],
    ]);
    for (const asked of ['pause', 'resume', 'skipNext', 'runNow'] as const) {
      await assert.rejects(scheduler.control[asked]('nope'), (error) => {
        return error instanceof InterlockError && error.code === 'not_found';
      });
    }
    assert.equal(await core.redis.exists(core.keys.schedule('nope')), 0);
  });

  it('a claim that was decided on before a person asked for something is not made', async () => {
    const slot = Math.floor(Date.now() / 1_000) * 1_000 - 5_000;
    const due = { slot, state: 'done', rule: 'every 1000 ms' };
    await core.redis.hset(core.keys.schedule('beat'), due);
    const held = await core.leases.acquire({
      ...{ name: SCHEDULER_LOCK, kind: 'scheduler', subject: 'schedules', ttlMs: 10_000 },
    });
    assert.ok(held.acquired);
    const schedule = declaredSchedules(core.config).get('beat');
    assert.ok(schedule);
    const { redis, scripts, keys, enqueuer, decisions, holder, config } = core;
    const writer = new SlotWriter({
      ...{ redis, scripts, keys, enqueuing: enqueuer, decisions, holder, config },
    });
    const take = async (asked: () => Promise<unknown>) => {
      const state = await readSchedule(redis, keys, 'beat');
      const nowMs = await redisNowMs(redis);
      const step = nextStep(schedule.situation(state), nowMs);
      assert.ok(step.kind === 'enqueue');
      await asked();
      return writer.take(step, schedule, state, held.lease, nowMs);
    };
    assert.equal(await take(() => scheduler.control.pause('beat')), 'changed');
    await redis.hdel(keys.schedule('beat'), 'pausedAt');
    assert.equal(await take(() => scheduler.control.skipNext('beat')), 'changed');
    const other = { slot: slot + 1_000 };
    assert.equal(await take(() => redis.hset(keys.schedule('beat'), other)), 'changed');
    assert.deepEqual(await jobIds(core), []);
    assert.equal(
      await take(() => redis.hset(keys.lease(SCHEDULER_LOCK), 'fence', 1)),
      'lease_lost',
    );
    assert.deepEqual(await jobIds(core), []);
    await redis.hset(keys.lease(SCHEDULER_LOCK), 'fence', held.lease.fence);
    assert.equal(await take(() => Promise.resolve()), 'taken');
    assert.equal((await jobIds(core)).length, 1);
    await held.lease.release();
  });

  it('a pause outlives a change of the rule', async () => {
    await scheduler.control.pause('beat');
    const changed = bench.core({ beat: { job: 'tick', every: 2_000 } });
    const later = bench.start(changed);
    await eventually('the new rule', async () => {
      return (await core.redis.hget(core.keys.schedule('beat'), 'rule')) === 'every 2000 ms';
    });
    assert.ok((await later.rows())[0]?.pausedAt);
  });

  it('a clean handover is quick, and the leaders are remembered', async () => {
    const holderOf = async () => (await core.leases.list())[0]?.holder?.agentId;
    let leader = bench.start(core);
    let follower = leader;
    await eventually('a leader', holderOf);
    const tail = new EventTail(server.client(), [core.keys.releases], systemClock, () =>
      follower.wake(),
    );
    tail.start();
    await eventually('it to be followed', async () => {
      const masters = await mastersOf(core.redis);
      const lists = await Promise.all(masters.map((master) => master.client('LIST')));
      return /cmd=xread/.test(lists.map(String).join());
    });
    const tookMs: number[] = [];
    for (let count = 1; count <= HANDOVERS; count += 1) {
      const next = count % 2 === 0 ? core : other;
      let refused = 0;
      follower = bench.start(next, systemClock, {
        list: () => next.leases.list(),
        acquire: async (request) => {
          const answer = await next.leases.acquire(request);
          if (!answer.acquired) refused += 1;
          return answer;
        },
      });
      await eventually('the follower to have asked in vain', () => refused > 0);
      const from = performance.now();
      await leader.close();
      await eventually(
        'the follower to lead',
        async () => (await holderOf()) === next.holder.agentId,
        {
          everyMs: 1,
        },
      );
      tookMs.push(performance.now() - from);
      leader = follower;
    }
    tail.close();
    const p50 = tookMs.toSorted((a, b) => a - b)[HANDOVERS / 2] ?? NaN;
    assert.ok(p50 < HANDOVER_P50_MS, `${p50} ms`);
    const rows = await leader.leaderRows();
    assert.deepEqual(
      rows.slice(0, 3).map(({ end }) => end),
      ['holds', 'released', 'released'],
    );
    assert.deepEqual(
      rows.slice(0, 2).map(({ holder }) => holder.agentId),
      [core, other].map((one) => one.holder.agentId),
      'the last of an even number of handovers was to the first one',
    );
  });

  it('a leader that died is remembered as such', async () => {
    const dead = bench.core(BEAT, {}, { holder: deadHolder('gone') });
    const was = bench.start(dead);
    await eventually('it to lead', async () => (await was.leaderRows())[0]);
    bench.start(other);
    const rows = await eventually('the other to lead', async () => {
      const found = await scheduler.leaderRows();
      return found.length >= 2 && found;
    });
    const [now, before] = rows;
    assert.equal(now?.holder.agentId, other.holder.agentId);
    assert.deepEqual([before?.holder.agentId, before?.end], ['gone', 'died']);
    assert.equal(before?.until, now.since);
    const takeovers = (await core.recorded()).filter(({ action }) => action === 'takeover');
    assert.equal(takeovers[0]?.subject, SCHEDULER_LOCK);
  });
});
