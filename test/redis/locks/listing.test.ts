import assert from 'node:assert/strict';
import type { LockService } from '../../../agent/locks/lockService.ts';
import { lockRow } from '../../../agent/protocol/model.ts';
import { currentHolder } from '../../../agent/state/processIdentity.ts';
import { endProcess, startProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { deadHolder, foreignHolder, makeCore, type Core } from '../leases/core.ts';
import {
  listed,
  lockNamed,
  locksOf,
  LOCK_TTL_MS,
  register,
  runOf,
  startWorker,
  writeLease,
  type OpenRun,
} from './lockFixture.ts';

const configOf = (prefix: string) => ({
  jobs: {
    sync: { handler: './sync.ts', unique: { by: ['network'] } },
    plain: { handler: './plain.ts' },
  },
  locks: { watch: ['redlock:*', `${prefix}:*`] },
});

describe('the list of locks', () => {
  let server: TestRedis;
  let core: Core;
  let locks: LockService;
  let runs: OpenRun[];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    core = makeCore(server, { config: configOf(server.prefix) });
    await server.flush();
    locks = locksOf(core);
    runs = [];
  });
  afterEach(async () => {
    for (const run of runs) await run.close();
  });

  function work(name: string, queue?: string): OpenRun {
    const run = startWorker(core, server.client(), name, queue);
    runs.push(run);
    return run;
  }

  it('has leases with holder and fence, the dead ones first', async () => {
    const taken = await core.leases.acquire({
      ...{ name: 'scheduler:global_lock', kind: 'scheduler', subject: 'schedules' },
      ttlMs: 60_000,
    });
    assert.ok(taken.acquired);
    await writeLease(core, 'stream:far', foreignHolder('f'));
    await writeLease(core, 'stream:gone', deadHolder('d'));
    const rows = await listed(locks);
    assert.deepEqual(
      rows.map(({ name, state }) => `${name} ${state}`),
      ['stream:gone holder_dead', 'scheduler:global_lock held', 'stream:far held'],
    );
    assert.equal(rows[1]?.fence, taken.lease.fence);
    assert.deepEqual(
      rows.slice(1).map(({ holder }) => holder),
      [core.holder, { ...foreignHolder('f'), alive: null }],
    );
    await taken.lease.release();
  });

  it('names the agent, the fence and the age of a run of a declared type', async () => {
    await register(core, core.holder);
    work(core.holder.agentId);
    const { jobId } = await core.enqueuer.enqueue({ type: 'sync', data: { network: 'mainnet' } });
    const id = jobId ?? '';
    await runOf(locks, id);
    await core.redis.hset(core.keys.running('sync'), '["mainnet"]', `1800000000000123 ${id}`);
    const row = await runOf(locks, id);
    assert.deepEqual(
      [row.name, row.kind, row.subject, row.fence, row.state],
      [`run:default/${id}`, 'run', 'sync [mainnet]', 1_800_000_000_000_123, 'held'],
    );
    assert.deepEqual(row.holder, core.holder);
    assert.deepEqual(row.job, { queue: 'default', id, type: 'sync' });
    assert.ok(row.ttlMs !== null && row.ttlMs > 0 && row.ttlMs <= LOCK_TTL_MS);
    assert.ok(row.ageMs !== null && row.ageMs < 10_000);
    assert.ok(row.renewedAt !== null);
  });

  it("shows the lock of another program's worker as BullMQ's, without a holder", async () => {
    work('their-worker');
    const job = await core.queues.get('default').add('plain', {});
    const row = await runOf(locks, job.id ?? '');
    assert.deepEqual(
      [row.kind, row.name, row.holder, row.fence, row.renewedAt, row.state],
      ['job', `job:default/${job.id}`, null, 1, null, 'held'],
    );
  });

  it('shows a run whose agent is proven dead as one that needs a look', async () => {
    await register(core, deadHolder('gone'));
    work('gone');
    const { jobId } = await core.enqueuer.enqueue({ type: 'plain', data: {} });
    await runOf(locks, jobId ?? '');
    const [first] = await listed(locks);
    assert.deepEqual(
      [first?.kind, first?.state, first?.holder?.alive],
      ['run', 'holder_dead', false],
    );
  });

  it('shows at once the uniqueness key of a job that waits, with the job that has it', async () => {
    await listed(locks);
    const { jobId } = await core.enqueuer.enqueue({ type: 'sync', data: { network: 'a:b*' } });
    const row = await lockNamed(locks, 'dedup:default/sync|["a:b*"]');
    assert.deepEqual(
      [row?.kind, row?.subject, row?.job?.id, row?.ttlMs, row?.state],
      ['dedup', 'sync [a:b*]', jobId, null, 'held'],
    );
    assert.ok((row?.ageMs ?? NaN) < 10_000);
  });

  it('calls a uniqueness key orphaned when its job is gone or has ended, and no window keeps it', async () => {
    const ended = await core.queues.get('default').add('sync', {}, { jobId: 'ended' });
    await core.redis.hset(core.keys.job('default', 'ended'), 'finishedOn', Date.now());
    assert.equal(ended.id, 'ended');
    const set = (id: string, jobId: string) =>
      core.redis.set(core.keys.deduplication('default', id), jobId);
    await set('sync|["gone"]', 'nobody');
    await set('sync|["ended"]', 'ended');
    await core.redis.set(
      core.keys.deduplication('default', 'sync|["window"]'),
      'nobody',
      'PX',
      60_000,
    );
    const states = (await listed(locks)).map(({ name, state }) => `${name} ${state}`);
    assert.deepEqual(states, [
      'dedup:default/sync|["ended"] orphaned',
      'dedup:default/sync|["gone"] orphaned',
      'dedup:default/sync|["window"] held',
    ]);
    const window = await lockNamed(locks, 'dedup:default/sync|["window"]');
    assert.ok((window?.ttlMs ?? 0) > 50_000);
  });

  it('shows watched keys without their value, and none of its own, however wide the pattern', async () => {
    await core.redis.set('redlock:orders', 'secret', 'PX', 60_000);
    await core.redis.hset('redlock:hash', 'a', 'secret');
    await core.enqueuer.enqueue({ type: 'plain', data: {} });
    const rows = (await listed(locks)).filter(({ kind }) => kind === 'watched');
    assert.deepEqual(
      rows.map(({ name, subject, holder, ageMs, ttlMs }) => [
        name,
        subject,
        holder,
        ageMs,
        ttlMs === null,
      ]),
      [
        ['watched:redlock:hash', 'redlock:hash', null, null, true],
        ['watched:redlock:orders', 'redlock:orders', null, null, false],
      ],
    );
    assert.doesNotMatch(JSON.stringify(rows), /secret/);
  });

  it('calls a holder on this host that is stopped paused', async () => {
    const holder = await startProcess('sleep', ['60']);
    try {
      await writeLease(core, 'stream:nse', {
        ...currentHolder('all', 'x'),
        pid: holder.pid,
        processStart: null,
      });
      assert.equal((await lockNamed(locks, 'stream:nse'))?.state, 'held');
      holder.child.kill('SIGSTOP');
      await eventually(
        'it to be paused',
        async () => (await lockNamed(locks, 'stream:nse'))?.state === 'paused',
      );
      holder.child.kill('SIGCONT');
      await eventually(
        'it to go on',
        async () => (await lockNamed(locks, 'stream:nse'))?.state === 'held',
      );
    } finally {
      holder.child.kill('SIGCONT');
      await endProcess(holder);
    }
  });

  it('finds by kind, text and age, and counts what matches', async () => {
    await writeLease(core, 'stream:old', core.holder, { acquiredAt: Date.now() - 3_600_000 });
    await writeLease(core, 'stream:new', core.holder);
    await core.enqueuer.enqueue({ type: 'sync', data: { network: 'mainnet' } });
    const names = async (filter: Parameters<LockService['list']>[0]) => {
      const { rows, total } = await locks.list(filter, 1, 0);
      return `${rows.map(({ name }) => name).join()} of ${total}`;
    };
    assert.equal(await names({ kind: 'dedup' }), 'dedup:default/sync|["mainnet"] of 1');
    assert.equal(await names({ kind: 'stream' }), 'stream:new of 2');
    assert.equal(await names({ olderThanMs: 600_000 }), 'stream:old of 1');
    assert.equal(await names({ search: `:${core.holder.pid}` }), 'stream:new of 2');
    assert.equal(await names({ search: 'MAINNET' }), 'dedup:default/sync|["mainnet"] of 1');
    assert.equal(await names({ search: 'nothing' }), ' of 0');
  });

  it('passes over what can not be read, and shows all the rest', async () => {
    const { redis, keys } = core;
    const far = 9_007_199_254_740_991;
    await writeLease(core, 'stream:good', core.holder);
    await writeLease(core, 'stream:text', '{"host":');
    await writeLease(core, 'stream:late', core.holder, { acquiredAt: far, renewedAt: far });
    await writeLease(core, 'stream:holes', core.holder, { fence: 'many' });
    await redis.sadd(keys.leaseIndex, 'stream:list', 'stream:ended', '');
    await redis.lpush(keys.lease('stream:list'), 'x');
    // Jobs, their locks and what is known of them.
    await redis.set(keys.agents, 'not a hash');
    await redis.sadd(keys.running('sync'), 'not a hash');
    await redis.lpush(keys.queue('default', 'active'), 'hole', 'odd', 'nohash', 'unlocked');
    await redis.hset(keys.job('default', 'odd'), { name: 'sync', processedOn: '1e300', ats: 'x' });
    await redis.set(keys.jobLock('default', 'odd'), 'token');
    await redis.lpush(keys.job('default', 'nohash'), 'x');
    await redis.set(keys.jobLock('default', 'nohash'), 'token');
    await redis.set(keys.queue('default', 'wait'), 'not a list');
    // Uniqueness keys.
    await redis.lpush(keys.deduplication('default', 'sync|["list"]'), 'x');
    await redis.set(keys.deduplication('default', 'sync|["odd"]'), 'nohash');
    await redis.set(`${keys.prefix}:elsewhere:de:x`, 'j');
    const rows = await listed(locks);
    for (const row of rows) lockRow.parse(row);
    const names = rows.map(({ name, state }) => `${name} ${state}`);
    for (const expected of [
      'stream:good held',
      'stream:text held',
      'job:default/odd held',
      'job:default/nohash orphaned',
      'dedup:default/sync|["odd"] orphaned',
    ]) {
      assert.ok(names.includes(expected), `${expected} in ${names.join('; ')}`);
    }
    assert.ok(
      !names.some((name) => /list|holes|ended|unlocked|elsewhere/.test(name)),
      names.join(),
    );
    // A connection that is lost is not the same as nothing.
    core.redis.disconnect();
    await assert.rejects(locks.list({}, 10, 0));
  });
});
