import assert from 'node:assert/strict';
import { Queue, Worker, type RepeatOptions } from 'bullmq';
import { readOutsideSchedules } from '../../../agent/schedules/outsideSchedules.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore, type Core } from '../leases/core.ts';

const DAY_MS = 24 * 3_600_000;
const QUEUE = 'emails';

describe('job schedulers of other BullMQ programs', () => {
  let server: TestRedis;
  let core: Core;
  let theirs: Queue;
  let workers: Worker[];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    await server.flush();
    core = makeCore(server);
    theirs = new Queue(QUEUE, { connection: server.client(), prefix: server.prefix });
    workers = [];
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.close()));
    await theirs.close();
  });

  const keyOf = (part: string) => core.keys.queue(QUEUE, part);
  const upsert = (id: string, rule: Omit<RepeatOptions, 'key'>) =>
    theirs.upsertJobScheduler(id, rule, { name: 'report' });
  const rows = () => {
    const { scripts, keys } = core;
    return readOutsideSchedules({ scripts, keys, queueNames: ['default', QUEUE] });
  };
  const row = async (id: string) => {
    const found = (await rows()).find(({ name }) => name === `${QUEUE}/${id}`);
    assert.ok(found !== undefined, id);
    return found;
  };
  const stateOf = async (id: string) => (await row(id)).outside?.state;
  const work = () => {
    const connection = server.client();
    workers.push(new Worker(QUEUE, () => Promise.resolve(), { connection, prefix: server.prefix }));
  };

  it('tell their job, rule, zone and next slot', async () => {
    const before = Date.now();
    await upsert('nightly', { pattern: '0 3 * * *', tz: 'Asia/Kolkata' });
    await upsert('hourly', { every: 3_600_000, startDate: before + DAY_MS, limit: 5 });
    const nightly = await row('nightly');
    assert.deepEqual(
      [nightly.job, nightly.rule, nightly.timezone],
      ['report', 'cron 0 3 * * *', 'Asia/Kolkata'],
    );
    // Three in the morning in India is half past nine in the evening in UTC.
    assert.match(nightly.nextSlotAt ?? '', /T21:30:00\.000Z$/);
    assert.deepEqual(nightly.nextSlots, [nightly.nextSlotAt]);
    const state = { queue: QUEUE, state: 'scheduled', made: 1, limit: null, endsAt: null };
    assert.deepEqual(nightly.outside, state);
    const hourly = await row('hourly');
    assert.equal(hourly.rule, 'every 1 h');
    assert.equal(hourly.nextSlotAt, new Date(before + DAY_MS).toISOString());
    assert.equal(hourly.outside?.limit, 5);
  });

  it('wait for a worker, and go on with one', async () => {
    await upsert('often', { every: 200 });
    assert.equal(await stateOf('often'), 'waits');
    assert.equal((await row('often')).nextSlotAt, null);
    work();
    await eventually('three jobs', async () => ((await row('often')).outside?.made ?? 0) > 3);
    assert.notEqual(await stateOf('often'), 'stuck');
  });

  it('are stuck when the job of their slot is gone, until their program makes them anew', async () => {
    await upsert('nightly', { pattern: '0 3 * * *' });
    const [job] = await theirs.getDelayed();
    // As when it is cleaned away, or a Redis lost its newest data.
    await core.redis.del(keyOf(job?.id ?? ''));
    assert.equal(await stateOf('nightly'), 'stuck');
    assert.equal((await row('nightly')).nextSlotAt, null);
    await upsert('nightly', { pattern: '0 3 * * *' });
    assert.equal(await stateOf('nightly'), 'scheduled');
  });

  it('end with their limit or their last day: that is no trouble', async () => {
    await upsert('twice', { every: 100, limit: 2 });
    await upsert('yearly', { pattern: '0 0 1 1 *', tz: 'UTC', endDate: Date.now() + 400 * DAY_MS });
    work();
    await eventually('the limit', async () => (await stateOf('twice')) === 'ended');
    assert.equal((await row('twice')).outside?.made, 2);
    // Its last job has run, and the next slot would be after its end, which is not here yet.
    const slotMs = Date.parse((await row('yearly')).nextSlotAt ?? '');
    await core.redis.hset(keyOf('repeat:yearly'), 'endDate', slotMs + DAY_MS);
    await core.redis.del(keyOf(`repeat:yearly:${slotMs}`));
    assert.equal(await stateOf('yearly'), 'ended');
  });

  it('of older kinds are shown, and nothing is changed', async () => {
    const next = Date.now() + DAY_MS;
    await core.redis.zadd(keyOf('repeat'), next, 'digest::::0 6 * * *', next, 'ping:::UTC:60000');
    await core.redis.zadd(keyOf('repeat'), next, 'a1b2c3');
    await core.redis.hset(keyOf('repeat:a1b2c3'), { name: 'sweep', every: '5000' });
    const found = await rows();
    assert.deepEqual(
      found.map(({ job, rule, outside }) => [job, rule, outside?.state, outside?.made]),
      [
        ['sweep', 'every 5 s', 'scheduled', null],
        ['digest', 'cron 0 6 * * *', 'scheduled', null],
        ['ping', 'every 1 min', 'scheduled', null],
      ],
    );
    assert.equal(await core.redis.zcard(keyOf('repeat')), 3);
  });

  it('that can not be read break no list', async () => {
    await upsert('nightly', { pattern: '0 3 * * *' });
    await core.redis.zadd(keyOf('repeat'), '-inf', 'odd', 'inf', 'late', 5, 'list');
    await core.redis.hset(keyOf('repeat:odd'), {
      name: 'x',
      every: 'often',
      ic: 'many',
      limit: '-',
    });
    await core.redis.rpush(keyOf('repeat:list'), 'x');
    await core.redis.set(core.keys.queue('default', 'repeat'), 'no sorted set');
    assert.deepEqual((await rows()).map(({ name }) => name).sort(), [
      ...['emails/late', 'emails/list', 'emails/nightly', 'emails/odd'],
    ]);
  });
});
