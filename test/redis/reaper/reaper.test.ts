import assert from 'node:assert/strict';
import { Queue, type Worker } from 'bullmq';
import { findOrphans } from '../../../agent/reaper/findOrphans.ts';
import { OrphanRemover } from '../../../agent/reaper/orphanRemover.ts';
import { mastersOf } from '../../../agent/redis/redisClient.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { deadHolder, foreignHolder, makeCore } from '../leases/core.ts';
import { age, announce, makeRecovery, runJob, type RecoveryCore } from './recoveryCore.ts';

const CONFIG = {
  jobs: {
    wait: { handler: 'x', maxConcurrent: 5 },
    once: { handler: 'x', unique: { by: ['n'] }, maxConcurrent: 2 },
  },
};
const HOURS_MS = 5 * 3_600_000;

describe('the reaper', () => {
  let server: TestRedis;
  let core: RecoveryCore;
  let queue: Queue;
  let workers: Worker[];
  let leases: { release(): Promise<void> }[];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    await server.flush();
    core = makeRecovery(server, { config: CONFIG });
    queue = new Queue('default', { connection: server.client(), prefix: server.prefix });
    workers = [];
    leases = [];
  });
  afterEach(async () => {
    core.recovery.close();
    await core.recovery.takeover.ended;
    await Promise.all(leases.map((lease) => lease.release()));
    await Promise.all(workers.map((worker) => worker.close(true)));
    await queue.close();
  });

  const keyCount = async () => {
    const masters = await mastersOf(core.redis);
    const sizes = await Promise.all(masters.map((master) => master.dbsize()));
    return sizes.reduce((sum, size) => sum + size);
  };
  const dedup = (id: string, of = 'default') => core.keys.deduplication(of, id);
  const finishedJob = async (id: string) => {
    const hash = { name: 'once', timestamp: 1, finishedOn: 2, data: '{}' };
    await core.redis.hset(core.keys.job('default', id), hash);
  };
  const hold = async (of: ReturnType<typeof makeCore>, name: string) => {
    const result = await of.leases.acquire({ name, kind: 'stream', subject: name, ttlMs: 60_000 });
    assert.ok(result.acquired);
    leases.push(result.lease);
    return result.lease;
  };

  /** One orphan of each kind. @returns names by kind */
  async function leaveOrphans(): Promise<Record<string, string[]>> {
    const { redis, keys } = core;
    await announce(core, deadHolder('gone'));
    await hold(makeCore(server, { holder: deadHolder('gone') }), 'stream:old');
    await redis.set(dedup('once|["a"]'), 'removed-job');
    await finishedJob('ended-job');
    await redis.set(dedup('once|["b"]'), 'ended-job');
    await redis.zadd(keys.admitted('once'), 1, 'removed-job', 1, 'ended-job');
    await redis.hset(keys.running('once'), '["a"]', '17 removed-job');
    return {
      lease: ['stream:old'],
      dedup: [dedup('once|["a"]'), dedup('once|["b"]')],
      admission: ['admitted:once ended-job', 'admitted:once removed-job'],
      running: ['running:once ["a"]'],
      agent: ['agents gone'],
    };
  }

  /** The same of those who live, for as long as one likes. @returns a look at all of it */
  async function leaveLiving(): Promise<() => Promise<unknown>> {
    const { redis, keys } = core;
    await announce(core, { ...core.holder, agentId: 'alive' });
    await announce(core, foreignHolder('far'));
    await hold(core, 'stream:live');
    await hold(makeCore(server, { holder: foreignHolder('far') }), 'stream:far');
    const hung = await runJob(server, queue, 'once', {
      ...{ name: 'far', deduplicationId: 'once|["live"]' },
    });
    workers.push(hung.worker);
    const id = hung.job.id ?? '';
    await age(core, hung.job, HOURS_MS);
    await redis.zadd(keys.admitted('once'), Date.now() - HOURS_MS, id);
    await redis.hset(keys.running('once'), '["live"]', `18 ${id}`);
    await redis.set(dedup('once|["window"]'), 'removed-job', 'PX', 600_000);
    const waiting = await queue.add(
      'once',
      {},
      { delay: HOURS_MS, deduplication: { id: 'once|[5]' } },
    );
    await redis.zadd(keys.admitted('once'), 5, waiting.id ?? '');
    return async () => ({
      agents: Object.keys(await redis.hgetall(keys.agents)).filter((one) => one !== 'gone'),
      leases: (await core.leases.list())
        .map(({ name }) => name)
        .filter((one) => one !== 'stream:old'),
      state: await hung.job.getState(),
      lock: await redis.get(keys.jobLock('default', id)),
      dedups: [
        ...[await redis.get(dedup('once|["live"]')), await redis.get(dedup('once|[5]'))],
        await redis.get(dedup('once|["window"]')),
      ],
      admitted: [
        await redis.zscore(keys.admitted('once'), id),
        await redis.zscore(keys.admitted('once'), waiting.id ?? ''),
      ],
      run: await redis.hget(keys.running('once'), '["live"]'),
    });
  }

  it('tells in a dry run what belongs to nobody and why, and touches nothing', async () => {
    const expected = await leaveOrphans();
    const before = await keyCount();
    const told = await core.recovery.reap(true);
    const byKind: Record<string, string[]> = {};
    for (const { kind, name } of told) (byKind[kind] ??= []).push(name);
    for (const names of Object.values(byKind)) names.sort();
    assert.deepEqual(byKind, expected);
    assert.ok(told.every(({ removed }) => !removed));
    const why = (name: string) => told.find((one) => one.name === name)?.why ?? '';
    assert.match(why('stream:old'), /process 99999999 on .* is gone, and nobody has taken it over/);
    assert.match(why(dedup('once|["a"]')), /job removed-job is not in Redis any more.*for ever/);
    assert.match(why(dedup('once|["b"]')), /job ended-job has ended/);
    assert.match(why('running:once ["a"]'), /removed-job has no lock any more/);
    assert.match(why('agents gone'), /^Process 99999999 .* is gone, and it has no job/);
    assert.equal(await keyCount(), before);
    assert.deepEqual(await core.recorded(), []);
  });

  it('removes them when asked, with a decision and a line in the log for each', async () => {
    const expected = await leaveOrphans();
    const look = await leaveLiving();
    const living = await look();
    const told = await core.recovery.reap(false);
    const names = Object.values(expected).flat().sort();
    assert.deepEqual(told.map(({ name }) => name).sort(), names);
    assert.ok(told.every(({ removed }) => removed));
    assert.deepEqual(await look(), living);
    const decided = await core.recorded();
    assert.equal(decided.length, names.length);
    for (const { action, reason, outcome, remedy } of decided) {
      assert.deepEqual([action, reason, outcome], ['reap', 'orphaned', 'accepted']);
      assert.ok(remedy !== null && remedy.length > 10);
    }
    const key = decided.find(({ key }) => key === 'a');
    assert.deepEqual([key?.subject, key?.jobId], ['once', 'removed-job']);
    assert.equal(decided.find(({ subject }) => subject === 'stream:old')?.holder?.agentId, 'gone');
    const lines = core.lines.filter((line) => /removed an orphan/.test(line));
    assert.equal(lines.length, names.length);
    assert.deepEqual(await core.recovery.reap(true), []);
  });

  it('removes them by itself within ten seconds, and nothing that lives', async () => {
    const look = await leaveLiving();
    const living = await look();
    const expected = await leaveOrphans();
    core.recovery.start();
    const decided = await eventually(
      'all to be removed',
      async () => {
        const found = (await core.recorded()).filter(({ action }) => action === 'reap');
        return found.length >= Object.values(expected).flat().length && found;
      },
      { deadlineMs: 10_000 },
    );
    assert.equal(decided.length, Object.values(expected).flat().length);
    assert.deepEqual(await look(), living);
    assert.deepEqual(await core.recovery.reap(true), []);
  });

  it('leaves a lease to the one who takes it over', async () => {
    await hold(makeCore(server, { holder: deadHolder('gone') }), 'stream:old');
    const [found] = await core.leases.dead();
    assert.ok(found !== undefined);
    const mine = await hold(core, 'stream:old');
    assert.equal(await core.leases.removeDead(found), false);
    assert.equal((await core.leases.list())[0]?.fence, mine.fence);
  });

  it('proves again what it read: what came to life meanwhile stays', async () => {
    const { redis, keys, scripts } = core;
    await leaveOrphans();
    const facts = {
      declaredQueues: new Set(['default']),
      leases: [],
      ...{ agents: await staleAgent(), activeJobs: [] },
      dedups: ['a', 'b', 'c'].map((key) => ({
        ...{ key: dedup(`once|["${key}"]`), queue: 'default', id: `once|["${key}"]` },
        ...{ jobId: key === 'b' ? 'ended-job' : 'removed-job', fate: 'gone' as const },
      })),
      admissions: [{ type: 'once', jobId: 'ended-job', fate: 'gone' as const }],
      runs: [{ type: 'once', field: '["a"]', value: '17 removed-job', jobId: 'removed-job' }],
    };
    // Another job has the key; the job was requeued; a window began; the entry was renewed.
    await redis.set(dedup('once|["a"]'), 'another-job');
    await redis.hdel(keys.job('default', 'ended-job'), 'finishedOn');
    await redis.set(dedup('once|["c"]'), 'removed-job', 'PX', 60_000);
    await redis.set(keys.jobLock('default', 'removed-job'), 'token');
    await announce(core, { ...deadHolder('gone'), role: 'renewed' });
    const view = { deadForMs: () => undefined, runsHere: () => false, leastLeftMs: () => 0 };
    const remover = new OrphanRemover({
      ...{ scripts, keys, leases: core.leases, takeover: core.recovery.takeover },
      queueNames: () => ['default'],
    });
    const found = findOrphans(facts, view);
    assert.equal(found.length, 6);
    for (const { removal, orphan } of found) {
      assert.ok(removal !== null);
      assert.equal(await remover.remove(removal), false, orphan.name);
    }
    assert.equal(await redis.get(dedup('once|["a"]')), 'another-job');
    assert.equal(await redis.hget(keys.running('once'), '["a"]'), '17 removed-job');
  });

  async function staleAgent() {
    const entries = await core.registry.list();
    return entries.map((entry) => ({ entry, unchangedMs: 100_000 }));
  }

  it('keeps the place of a job in the queue that its type had before', async () => {
    const former = new Queue('former', { connection: server.client(), prefix: server.prefix });
    const job = await former.add('once', { n: 1 });
    await core.queues.discover();
    await core.redis.zadd(core.keys.admitted('once'), 1, job.id ?? '');
    assert.deepEqual(await core.recovery.reap(false), []);
    assert.equal(await core.redis.zcard(core.keys.admitted('once')), 1);
    await former.close();
  });

  it('tells of what other programs left in queues of theirs, and leaves it there', async () => {
    const theirs = new Queue('theirs', { connection: server.client(), prefix: server.prefix });
    const hung = await runJob(server, theirs, 'mail', { name: 'their-worker' });
    workers.push(hung.worker);
    await core.redis.del(core.keys.jobLock('theirs', hung.job.id ?? ''));
    await core.redis.set(dedup('mail-7', 'theirs'), 'removed-job');
    await core.queues.discover();
    const told = await core.recovery.reap(false);
    assert.deepEqual(told.map(({ kind }) => kind).sort(), ['dedup', 'stuck_job']);
    for (const { removed, why } of told) {
      assert.equal(removed, false);
      assert.match(why, /"theirs" is not declared in the config: it is left to its owner/);
    }
    assert.equal(await hung.job.getState(), 'active');
    assert.equal(await core.redis.get(dedup('mail-7', 'theirs')), 'removed-job');
    await theirs.close();
  });

  it('gives a stuck job back when asked, and says so', async () => {
    const hung = await runJob(server, queue, 'wait', { name: 'their-worker' });
    workers.push(hung.worker);
    await core.redis.del(core.keys.jobLock('default', hung.job.id ?? ''));
    const [dry] = await core.recovery.reap(true);
    assert.deepEqual([dry?.kind, dry?.removed], ['stuck_job', false]);
    assert.match(dry?.why ?? '', /nobody holds its lock \(it was taken by their-worker\)/);
    const [real] = await core.recovery.reap(false);
    assert.equal(real?.removed, true);
    assert.equal(await hung.job.getState(), 'waiting');
    // No agent's run: by this event every agent knows, and one of them explains it.
    const events = await core.redis.xrevrange(core.keys.queue('default', 'events'), '+', '-');
    const stalled = events.map(([, fields]) => fields).find((fields) => fields[1] === 'stalled');
    assert.deepEqual(stalled?.slice(-2), ['interlock', 'outside']);
    assert.deepEqual(await core.recorded(), []);
  });

  it('keeps the entry of a dead agent while a job names it', async () => {
    const hung = await runJob(server, queue, 'wait', { name: 'gone' });
    workers.push(hung.worker);
    await announce(core, deadHolder('gone'));
    assert.deepEqual(await core.recovery.reap(false), []);
    hung.finish();
    await eventually('its end', async () => (await hung.job.getState()) === 'completed');
    assert.deepEqual(
      (await core.recovery.reap(false)).map(({ kind, removed }) => [kind, removed]),
      [['agent', true]],
    );
  });

  describe('of one server', () => {
    let single: RedisServer;

    before(async () => (single = await RedisServer.start()));
    after(() => single.stop());

    it('looks at a piece of a large Redis at a time, and one agent does it', async () => {
      core = makeRecovery(single, { config: CONFIG });
      const redis = single.client();
      const pipeline = redis.pipeline();
      for (let n = 0; n < 60_000; n += 1) pipeline.set(`other:${n}`, '');
      await pipeline.exec();
      await redis.set(dedup('once|["far away"]'), 'removed-job');
      const others = [1, 2, 3].map(() => makeRecovery(single, { config: CONFIG }));
      await redis.config('RESETSTAT');
      const scans = async () =>
        Number(/cmdstat_scan:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
      for (const { recovery } of [core, ...others]) await recovery.look();
      const once = await scans();
      assert.ok(once > 0 && once <= 20, `${once} calls`);
      await eventually('it to be found', async () => {
        await core.recovery.look();
        return (await redis.exists(dedup('once|["far away"]'))) === 0;
      });
      assert.ok((await scans()) <= 80);
    });
  });
});
