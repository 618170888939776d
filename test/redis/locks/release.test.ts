import assert from 'node:assert/strict';
import { InterlockError } from '../../../agent/common/errors.ts';
import type { LockService } from '../../../agent/locks/lockService.ts';
import type { Decision } from '../../../agent/protocol/decision.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { deadHolder, foreignHolder, makeCore, type Core } from '../leases/core.ts';
import {
  listed,
  lockNamed,
  locksOf,
  register,
  runOf,
  startWorker,
  writeLease,
  type OpenRun,
} from './lockFixture.ts';

const config = {
  jobs: { sync: { handler: './sync.ts', unique: { by: ['network'] } } },
  locks: { watch: ['redlock:*'] },
};

const NAME = 'stream:nse';
const request = { name: NAME, kind: 'stream', subject: 'nse', ttlMs: 600 } as const;

describe('releasing a lock', () => {
  let server: TestRedis;
  let core: Core;
  let locks: LockService;
  let runs: OpenRun[];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    core = makeCore(server, { config });
    await server.flush();
    locks = locksOf(core);
    runs = [];
  });
  afterEach(async () => {
    for (const run of runs) await run.close();
  });

  const release = (name: string, force = false, fence?: number) =>
    locks.release({ name, force, fence });
  const brief = ({ action, outcome, reason }: Decision) => `${action} ${outcome} ${reason}`;

  /** A run that waits for the test, in a worker of that name. */
  async function runJob(name: string): Promise<{ id: string; run: OpenRun }> {
    const run = startWorker(core, server.client(), name);
    runs.push(run);
    const { jobId } = await core.enqueuer.enqueue({ type: 'sync', data: { network: 'mainnet' } });
    await runOf(locks, jobId ?? '');
    return { id: jobId ?? '', run };
  }

  it('needs no force when its holder is proven dead, and is recorded with that holder', async () => {
    const dead = deadHolder('d');
    await writeLease(core, NAME, dead);
    const decision = await release(NAME);
    assert.equal(brief(decision), 'release accepted holder_dead');
    assert.deepEqual([decision.subject, decision.key], ['nse', NAME]);
    assert.deepEqual(decision.holder, { ...dead, alive: false });
    assert.deepEqual(await core.recorded(), [decision]);
    assert.deepEqual(await listed(locks), []);
  });

  it('is refused without force when its holder lives, or may live, and says what to do', async () => {
    await writeLease(core, NAME, core.holder);
    await writeLease(core, 'stream:far', foreignHolder('f'));
    for (const name of [NAME, 'stream:far']) {
      const decision = await release(name);
      assert.equal(brief(decision), 'release refused holder_alive');
      assert.match(decision.remedy ?? '', /^Wait until .*, stop the stream, or use --force: /);
    }
    assert.equal((await listed(locks)).length, 2);
    assert.equal((await core.recorded()).length, 2);
  });

  it('with force moves the fencing token on: the old holder loses it and can not hold it again', async () => {
    const held = await core.leases.acquire(request);
    assert.ok(held.acquired);
    const decision = await release(NAME, true, held.lease.fence);
    assert.equal(brief(decision), 'release accepted released_by_person');
    assert.match(decision.remedy ?? '', /^The fencing token moves on/);
    assert.ok(Number(await core.redis.hget(core.keys.fences, NAME)) > held.lease.fence);
    const other = makeCore(server, { config });
    const next = await other.leases.acquire({ ...request, ttlMs: 60_000 });
    assert.ok(next.acquired && next.lease.fence > held.lease.fence);
    await eventually('the old holder to lose it', () => held.lease.signal.aborted);
    assert.equal((await lockNamed(locks, NAME))?.fence, next.lease.fence);
    await next.lease.release();
  });

  it('leaves a lock alone that has another holder by now', async () => {
    await writeLease(core, NAME, core.holder, { fence: 11 });
    const decision = await release(NAME, true, 10);
    assert.equal(brief(decision), 'release refused lease_held');
    assert.match(decision.remedy ?? '', /changed hands/);
    assert.equal((await lockNamed(locks, NAME))?.fence, 11);
  });

  it('checks in the script itself that it is still the holding that was judged', async () => {
    const { keys, scripts, redis } = core;
    await writeLease(core, NAME, core.holder, { fence: 11 });
    const revoke = (fence: number) =>
      scripts.run(
        'revokeLease',
        [keys.lease(NAME), keys.fences, keys.leaseIndex, keys.releases],
        [NAME, fence],
      );
    assert.equal(await revoke(10), 0);
    const lock = `${keys.prefix}:lock`;
    const de = `${keys.prefix}:de`;
    const job = `${keys.prefix}:job`;
    await redis.set(lock, 'theirs');
    assert.equal(await scripts.run('revokeRun', [lock, keys.runFences], ['ours', 'sync']), 0);
    await redis.set(de, 'another');
    assert.equal(await scripts.run('releaseUniqueKey', [de, job], ['seen', '']), 0);
    await redis.hset(job, 'timestamp', 1);
    assert.equal(await scripts.run('releaseUniqueKey', [de, job], ['another', '1']), 0);
    assert.equal(await redis.exists(keys.lease(NAME), lock, de), 3);
    assert.equal(await redis.exists(keys.runFences, keys.fences), 0);
    assert.ok(Number(await revoke(11)) > 11);
  });

  it('gives a run to another one: its token moves on, and BullMQ refuses the old result', async () => {
    await register(core, core.holder);
    const { id, run } = await runJob(core.holder.agentId);
    const name = `run:default/${id}`;
    const refused = await release(name);
    assert.equal(brief(refused), 'release refused holder_alive');
    assert.match(refused.remedy ?? '', new RegExp(`Wait until job ${id} has ended, stop process `));
    const before = Date.now() - 60_000;
    const decision = await release(name, true);
    assert.equal(brief(decision), 'release accepted released_by_person');
    assert.deepEqual([decision.subject, decision.key, decision.jobId], ['sync', 'mainnet', id]);
    assert.equal(decision.holder?.pid, process.pid);
    assert.equal(await core.redis.exists(core.keys.jobLock('default', id)), 0);
    assert.ok(Number(await core.redis.hget(core.keys.runFences, 'sync')) > before);
    await run.end();
    await eventually('BullMQ to refuse the result', () =>
      run.refusals.some((text) => /Missing lock/.test(text)),
    );
    assert.notEqual(await (await core.queues.get('default').getJob(id))?.getState(), 'completed');
  });

  it('frees the run of a dead agent without force', async () => {
    await register(core, deadHolder('gone'));
    const { id } = await runJob('gone');
    assert.equal(brief(await release(`run:default/${id}`)), 'release accepted holder_dead');
    assert.equal(await core.redis.exists(core.keys.jobLock('default', id)), 0);
  });

  it("needs force for a run of another program's worker, and moves no token of ours", async () => {
    const { id } = await runJob('theirs');
    const name = `job:default/${id}`;
    assert.equal(brief(await release(name)), 'release refused holder_alive');
    assert.equal(brief(await release(name, true)), 'release accepted released_by_person');
    assert.equal(await core.redis.exists(core.keys.runFences), 0);
  });

  it('frees a uniqueness key whose job has ended, and that of a live one by force only', async () => {
    const { jobId } = await core.enqueuer.enqueue({ type: 'sync', data: { network: 'mainnet' } });
    const live = 'dedup:default/sync|["mainnet"]';
    const refused = await release(live);
    assert.equal(brief(refused), 'release refused holder_alive');
    assert.match(
      refused.remedy ?? '',
      /remove that job while it waits, or use --force: a second job/,
    );
    const forced = await release(live, true);
    assert.match(
      forced.remedy ?? '',
      new RegExp(`second job of this key can come in while job ${jobId}`),
    );
    assert.deepEqual([forced.subject, forced.key, forced.jobId], ['sync', 'mainnet', jobId]);
    const second = await core.enqueuer.enqueue({ type: 'sync', data: { network: 'mainnet' } });
    assert.equal(second.outcome, 'accepted');
    await core.redis.set(core.keys.deduplication('default', 'sync|["old"]'), 'nobody');
    const orphan = await eventually('the orphan to be found', () =>
      lockNamed(locks, 'dedup:default/sync|["old"]'),
    );
    assert.equal(brief(await release(orphan.name)), 'release accepted orphaned');
    assert.equal(await core.redis.exists(core.keys.deduplication('default', 'sync|["old"]')), 0);
  });

  it('deletes a watched key by force only', async () => {
    await core.redis.set('redlock:orders', 'x');
    const refused = await release('watched:redlock:orders');
    assert.equal(brief(refused), 'release refused holder_alive');
    assert.equal(await core.redis.exists('redlock:orders'), 1);
    const forced = await release('watched:redlock:orders', true);
    assert.deepEqual([forced.subject, forced.holder], ['redlock:orders', null]);
    assert.equal(await core.redis.exists('redlock:orders'), 0);
  });

  it('says that there is no such lock', async () => {
    await assert.rejects(release('stream:none', true), (error: unknown) => {
      assert.ok(error instanceof InterlockError);
      assert.equal(error.code, 'not_found');
      return true;
    });
    assert.deepEqual(await core.recorded(), []);
  });
});
