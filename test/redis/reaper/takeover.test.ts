import assert from 'node:assert/strict';
import { Queue, type Worker } from 'bullmq';
import { readActiveJobs } from '../../../agent/reaper/activeJob.ts';
import { RedisConnections } from '../../../agent/redis/connections.ts';
import { processStartOf } from '../../../agent/state/processIdentity.ts';
import { startProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { deadHolder, foreignHolder } from '../leases/core.ts';
import {
  age,
  announce,
  lookUntilTaken,
  makeRecovery,
  runJob,
  type HungJob,
  type RecoveryCore,
} from './recoveryCore.ts';

const CONFIG = {
  jobs: {
    wait: { handler: 'x' },
    once: { handler: 'x', queue: 'q2', unique: { by: ['n'], while: 'queued' }, maxConcurrent: 2 },
  },
};
const HOUR_MS = 3_600_000;

describe('jobs that lost their worker', () => {
  let server: TestRedis;
  let core: RecoveryCore;
  let queue: Queue;
  let workers: Worker[];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    core = makeRecovery(server, { config: CONFIG });
    await server.flush();
    queue = new Queue('default', { connection: server.client(), prefix: server.prefix });
    queue.on('error', () => undefined);
    workers = [];
  });
  afterEach(async () => {
    core.recovery.close();
    await core.recovery.takeover.ended;
    await Promise.all(workers.map((worker) => worker.close(true)));
    await queue.close();
  });

  async function run(options: Parameters<typeof runJob>[3] = {}, of = queue, type = 'wait') {
    const hung = await runJob(server, of, type, options);
    workers.push(hung.worker);
    return hung;
  }

  /** A job whose agent is a process of this host that is gone; its lock has a minute left. */
  async function ofDead(agentId = 'gone'): Promise<HungJob> {
    const hung = await run({ name: agentId });
    await announce(core, deadHolder(agentId), [hung.worker.id]);
    await hung.worker.close(true);
    return hung;
  }

  const stateOf = async ({ job }: HungJob) => (await queue.getJob(job.id ?? ''))?.getState();
  const untouched = async (hung: HungJob) => {
    await core.recovery.peers.refresh();
    const until = performance.now() + 600;
    await eventually('several looks', async () => {
      await core.recovery.takeover.look();
      return performance.now() > until;
    });
    assert.equal(await stateOf(hung), 'active');
    assert.equal(await core.redis.get(core.keys.jobLock('default', hung.job.id ?? '')), hung.token);
    assert.deepEqual(core.lost, []);
  };

  it('wait again when their agent is proven dead, with their attempts, and run once more', async () => {
    const { job, worker } = await ofDead();
    const id = job.id ?? '';
    await core.redis.hset(core.keys.running('wait'), id, `1700000000000 ${id}`);
    await lookUntilTaken(core);
    assert.equal(await core.redis.exists(core.keys.jobLock('default', id)), 0);
    assert.equal(await core.redis.hlen(core.keys.running('wait')), 0);
    const hash = await core.redis.hgetall(core.keys.job('default', id));
    assert.deepEqual([hash['atm'] ?? '0', hash['stc'], hash['ats']], ['0', '1', '1']);
    assert.deepEqual(
      core.lost.map((lost) => ({ ...lost, holder: lost.holder?.agentId })),
      [
        {
          ...{ queue: 'default', jobId: id, type: 'wait', key: null, worker: 'gone' },
          ...{ holder: 'gone', reason: 'holder_dead', attempt: 1, fence: 1_700_000_000_000 },
          startedAtMs: job.processedOn,
        },
      ],
    );
    const [decision] = await core.recorded();
    assert.deepEqual(
      [decision?.action, decision?.subject, decision?.reason, decision?.jobId],
      ['takeover', 'wait', 'holder_dead', id],
    );
    assert.deepEqual([decision?.holder?.pid, decision?.holder?.alive], [99_999_999, false]);
    assert.match(decision?.remedy ?? '', /is gone\. It starts again under a new fencing token/);
    // A worker that waits for jobs is woken, and has this one at once.
    const again = await runJob(server, queue, 'wait', { name: 'here' });
    workers.push(again.worker);
    assert.deepEqual([again.job.id, again.job.attemptsStarted], [id, 2]);
    assert.notEqual(again.worker.id, worker.id);
    const events = await core.redis.xrange(core.keys.queue('default', 'events'), '-', '+');
    const told = events.map(([, fields]) => fields.join(' '));
    assert.ok(told.includes(`event waiting jobId ${id} prev active`));
    assert.ok(told.includes(`event stalled jobId ${id} interlock agent`));
  });

  it('are given to one of twenty who see it', async () => {
    const hung = await ofDead();
    const takers = Array.from({ length: 20 }, () => makeRecovery(server, { config: CONFIG }));
    await Promise.all(takers.map((taker) => taker.recovery.peers.refresh()));
    await eventually('the takeover', async () => {
      await Promise.all(takers.map((taker) => taker.recovery.takeover.look()));
      return takers.some((taker) => taker.lost.length > 0);
    });
    assert.equal(takers.flatMap((taker) => taker.lost).length, 1);
    assert.equal((await core.recorded()).length, 1);
    assert.equal(await core.redis.hget(core.keys.job('default', hung.job.id ?? ''), 'stc'), '1');
    assert.equal(await core.redis.llen(core.keys.queue('default', 'wait')), 1);
  });

  it('can not be ended any more by the run that lost them', async () => {
    const { job, token } = await ofDead();
    await lookUntilTaken(core);
    await assert.rejects(job.moveToCompleted('late', token, false), /lock|active/i);
    assert.equal(await job.getState(), 'waiting');
  });

  it('are not taken on what was true a moment ago: another worker has them by now', async () => {
    const hung = await ofDead();
    const [seen] = await readActiveJobs(core.scripts, core.keys, 'default');
    assert.ok(seen !== undefined);
    await lookUntilTaken(core);
    const again = await run({ name: 'here' });
    assert.equal(again.job.id, hung.job.id);
    for (const reason of ['holder_dead', 'lease_lost'] as const) {
      assert.equal(await core.recovery.takeover.take({ job: seen, reason }), false);
    }
    // The same worker, and another lock of it: the token tells.
    await core.redis.hset(core.keys.job('default', hung.job.id ?? ''), 'pb', 'gone');
    assert.equal(await core.recovery.takeover.take({ job: seen, reason: 'holder_dead' }), false);
    assert.equal(await stateOf(again), 'active');
    assert.equal(core.lost.length, 1);
  });

  for (const [what, ms] of [
    ['70 minutes', 70 * 60_000],
    ['5 hours', 5 * HOUR_MS],
  ] as const) {
    it(`are left alone after ${what} while their holder lives`, async () => {
      const hung = await run({ name: core.holder.agentId, lockMs: 5_000, renews: true });
      await core.registry.announce({ workers: [hung.worker.id] });
      await age(core, hung.job, ms);
      const observer = makeRecovery(server, { config: CONFIG });
      await untouched(hung);
      await observer.recovery.peers.refresh();
      await observer.recovery.takeover.look();
      assert.equal(await stateOf(hung), 'active');
      await core.registry.close();
    });
  }

  it('are left alone while their holder is frozen and its lock lives, and go when it ends', async () => {
    const frozen = await startProcess('sleep', ['300']);
    process.kill(frozen.pid, 'SIGSTOP');
    try {
      const hung = await run({ name: 'frozen', lockMs: 2_500 });
      await hung.worker.close(true);
      const processStart = processStartOf(frozen.pid);
      const holder = { ...core.holder, agentId: 'frozen', pid: frozen.pid, processStart };
      await announce(core, holder, [hung.worker.id]);
      await age(core, hung.job, HOUR_MS);
      await untouched(hung);
      await lookUntilTaken(core);
      assert.deepEqual([core.lost[0]?.reason, core.dead], ['lease_lost', []]);
      assert.equal(core.lost[0]?.holder?.alive, true);
    } finally {
      frozen.child.kill('SIGKILL');
      await frozen.ended;
    }
  });

  it('of a holder on another host are left alone until their lock ends', async () => {
    const hung = await run({ name: 'far' });
    await announce(core, foreignHolder('far'), [hung.worker.id]);
    await age(core, hung.job, 5 * HOUR_MS);
    await untouched(hung);
  });

  it('are left to a worker without a name, though a dead agent had them before', async () => {
    // BullMQ writes no name of such a worker: that of the former one stays.
    const first = await ofDead();
    const id = first.job.id ?? '';
    await first.job.moveToFailed(new Error('try again'), first.token, false);
    await first.job.retry();
    const second = await run({ lockMs: 5_000, renews: true });
    assert.equal(second.job.id, id);
    assert.equal(await core.redis.hget(core.keys.job('default', id), 'pb'), 'gone');
    await age(core, second.job, 5 * HOUR_MS);
    await untouched(second);
  });

  it('without a lock are taken over whatever is known of their holder, right when it ends', async () => {
    const hung = await run({ name: 'far', lockMs: 900 });
    const endsAt =
      performance.now() + (await core.redis.pttl(core.keys.jobLock('default', hung.job.id ?? '')));
    await announce(core, foreignHolder('far'), [hung.worker.id]);
    core.recovery.start();
    await eventually('the takeover', () => core.lost.length > 0, { everyMs: 2 });
    const late = performance.now() - endsAt;
    assert.ok(late > -5 && late < 5_000, `${late} ms after its end`);
    const [lost] = core.lost;
    assert.deepEqual([lost?.reason, lost?.holder?.alive], ['lease_lost', null]);
    const decision = await eventually('the decision', async () => (await core.recorded())[0]);
    assert.equal(decision.reason, 'lease_lost');
  });

  it('are left to this process while a handler of it is at work on them', async () => {
    const here = makeRecovery(server, { config: CONFIG, runsHere: () => true });
    const hung = await run({ name: here.holder.agentId });
    await here.redis.del(here.keys.jobLock('default', hung.job.id ?? ''));
    await here.recovery.takeover.look();
    assert.deepEqual(here.lost, []);
    await core.recovery.takeover.look();
    assert.equal(core.lost.length, 1);
  });

  it('wake nobody in a queue that is paused, and run when it goes on', async () => {
    const hung = await ofDead();
    await queue.pause();
    await core.redis.del(core.keys.queue('default', 'marker'));
    await lookUntilTaken(core);
    assert.equal(await core.redis.exists(core.keys.queue('default', 'marker')), 0);
    assert.ok((await stateOf(hung)) !== 'active');
    await queue.resume();
    const again = await runJob(server, queue, 'wait', { name: 'here' });
    workers.push(again.worker);
    assert.equal(again.job.id, hung.job.id);
  });

  it('take the key back that they gave up when they began, if nobody has it by now', async () => {
    const q2 = new Queue('q2', { connection: server.client(), prefix: server.prefix });
    const id = 'once|[1]';
    const hung = await run({ name: 'gone', deduplicationId: id }, q2, 'once');
    await announce(core, deadHolder('gone'), [hung.worker.id]);
    await hung.worker.close(true);
    // As the last check before a run does it for "while": "queued".
    await core.redis.del(core.keys.deduplication('q2', id));
    await lookUntilTaken(core);
    assert.equal(await core.redis.get(core.keys.deduplication('q2', id)), hung.job.id);
    assert.equal(core.lost[0]?.key, '1');
    await q2.close();
  });

  it('that were removed while they ran leave no place behind', async () => {
    const hung = await ofDead();
    await core.redis.del(core.keys.job('default', hung.job.id ?? ''));
    await core.redis.del(core.keys.jobLock('default', hung.job.id ?? ''));
    await core.recovery.takeover.look();
    assert.equal(await core.redis.llen(core.keys.queue('default', 'active')), 0);
    assert.equal(await core.redis.llen(core.keys.queue('default', 'wait')), 0);
    assert.deepEqual(core.lost, []);
  });
});

describe('taking over while Redis is away', () => {
  it('says so once, stops at once, and goes on when Redis is back', async () => {
    const server = await RedisServer.start();
    const target = { kind: 'private', socketPath: server.socketPath } as const;
    const connections = await RedisConnections.open(target, 'test');
    const core = makeRecovery(server, { config: CONFIG, redis: connections.commands });
    core.recovery.start();
    await server.kill();
    const about = (what: RegExp) => core.lines.filter((line) => what.test(line)).length;
    await eventually(
      'the trouble to be told',
      () => about(/orphans pauses/) && about(/jobs pauses/),
    );
    const startedAt = performance.now();
    await eventually('some more tries', () => performance.now() - startedAt > 2_500);
    assert.equal(core.lines.length, 2, core.lines.join('\n'));
    await server.restart();
    const queue = new Queue('default', { connection: server.client() });
    queue.on('error', () => undefined);
    const hung = await runJob(server, queue, 'wait', { name: 'gone' });
    await announce(core, deadHolder('gone'), [hung.worker.id]);
    await eventually('the takeover', () => core.lost.length > 0);
    await eventually('the end of it to be told', () => about(/goes on/) === 2);
    await server.kill();
    core.recovery.close();
    const endedAt = performance.now();
    await core.recovery.takeover.ended;
    assert.ok(performance.now() - endedAt < 2_000);
    connections.close();
    await hung.worker.close(true);
    await server.stop();
  });
});
