import assert from 'node:assert/strict';
import { Worker } from 'bullmq';
import * as z from 'zod';
import { deferred } from '../../../agent/common/deferred.ts';
import { InterlockError } from '../../../agent/common/errors.ts';
import { JsonText } from '../../../agent/common/json.ts';
import type { Lease } from '../../../agent/leases/lease.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore, type Core } from '../leases/core.ts';

const CONFIG = {
  jobs: {
    sync: { handler: 'x', unique: { by: ['network'] } },
    plain: { handler: 'x' },
    other: { handler: 'x', queue: 'low', unique: { by: ['network'] } },
  },
};
const MAINNET = { network: 'mainnet' };

describe('enqueueing', () => {
  let server: TestRedis;
  let core: Core;
  let workers: Worker[];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    core = makeCore(server, { config: CONFIG });
    await server.flush();
    workers = [];
  });
  afterEach(async () => {
    await Promise.all(workers.map((worker) => worker.close(true)));
  });

  /** A worker that holds its job until the test lets go. */
  async function holdJob() {
    const started = deferred<undefined>();
    const go = deferred<undefined>();
    const worker = new Worker(
      'default',
      async () => {
        started.resolve(undefined);
        await go.promise;
      },
      { connection: server.client(), prefix: server.prefix, name: core.holder.agentId },
    );
    workers.push(worker);
    await started.promise;
    return {
      end: async () => {
        const ended = new Promise((resolve) => worker.once('completed', resolve));
        go.resolve(undefined);
        await ended;
      },
    };
  }

  it('accepts a job, with its id', async () => {
    const decision = await core.enqueuer.enqueue({ type: 'sync', data: MAINNET });
    assert.deepEqual(
      [decision.outcome, decision.reason, decision.key, decision.subject],
      ['accepted', 'within_limits', 'mainnet', 'sync'],
    );
    const job = await core.queues.get('default').getJob(decision.jobId ?? '');
    assert.deepEqual(job?.data, MAINNET);
  });

  it('takes a payload that is JSON already, whatever kind of job it is, and the rules read it', async () => {
    const data = new JsonText('{"network" : "mainnet", "list": [1, "ü"]}');
    const wishes = [{}, { priority: 3 }, { delayMs: 60_000 }];
    for (const wish of wishes) {
      const { jobId } = await core.enqueuer.enqueue({ type: 'plain', data, ...wish });
      const job = await core.queues.get('default').getJob(jobId ?? '');
      assert.deepEqual(job?.data, { network: 'mainnet', list: [1, 'ü'] });
    }
    const first = await core.enqueuer.enqueue({ type: 'sync', data });
    const second = await core.enqueuer.enqueue({ type: 'sync', data: MAINNET });
    assert.deepEqual([first.key, second.outcome], ['mainnet', 'already_queued']);
  });

  it('refuses a second one of the same key with the job that survives', async () => {
    const first = await core.enqueuer.enqueue({ type: 'sync', data: MAINNET });
    const second = await core.enqueuer.enqueue({ type: 'sync', data: { ...MAINNET, more: 1 } });
    assert.deepEqual(
      [second.outcome, second.reason, second.jobId, second.survivor?.state, second.holder],
      ['already_queued', 'unique_key', first.jobId, 'waiting', null],
    );
    assert.ok(Math.abs(Date.parse(second.survivor?.since ?? '') - Date.parse(first.at)) < 5_000);
    assert.match(second.remedy ?? '', new RegExp(first.jobId ?? '?'));
    assert.equal(await core.queues.get('default').getWaitingCount(), 1);
  });

  it('takes other keys, other types and types without a rule', async () => {
    const requests = [
      ...[
        { type: 'sync', data: MAINNET },
        { type: 'sync', data: { network: 'testnet' } },
      ],
      ...[
        { type: 'other', data: MAINNET },
        { type: 'plain', data: MAINNET },
      ],
      { type: 'plain', data: MAINNET },
    ];
    for (const request of requests) {
      assert.equal((await core.enqueuer.enqueue(request)).outcome, 'accepted');
    }
  });

  it('says that the job runs, since when, and who runs it', async () => {
    await core.redis.hset(core.keys.agents, core.holder.agentId, JSON.stringify(core.holder));
    await core.enqueuer.enqueue({ type: 'sync', data: MAINNET });
    const held = await holdJob();
    const decision = await core.enqueuer.enqueue({ type: 'sync', data: MAINNET });
    assert.deepEqual([decision.outcome, decision.survivor?.state], ['already_running', 'active']);
    assert.deepEqual(decision.holder, core.holder);
    await held.end();
    const next = await core.enqueuer.enqueue({ type: 'sync', data: MAINNET });
    assert.equal(next.outcome, 'accepted', 'the key is free again');
  });

  it('refuses with a decision, too, when what is known of the agent can not be read', async () => {
    await core.redis.hset(core.keys.agents, core.holder.agentId, '{"pid":');
    await core.enqueuer.enqueue({ type: 'sync', data: MAINNET });
    const held = await holdJob();
    const decision = await core.enqueuer.enqueue({ type: 'sync', data: MAINNET });
    assert.deepEqual([decision.outcome, decision.holder], ['already_running', null]);
    await held.end();
  });

  it('knows delayed survivors', async () => {
    const queue = core.queues.get('default');
    const deduplication = { id: 'sync|["mainnet"]' };
    await queue.add('sync', MAINNET, { jobId: 'later', delay: 60_000, deduplication });
    const decision = await core.enqueuer.enqueue({ type: 'sync', data: MAINNET });
    assert.deepEqual(decision.survivor?.state, 'delayed');
  });

  it('accepts one of 200 that race over several connections, and records every refusal', async () => {
    const cores = Array.from({ length: 5 }, () => makeCore(server, { config: CONFIG }));
    const answers = await Promise.all(
      Array.from({ length: 200 }, (_, index) =>
        (cores[index % cores.length] ?? core).enqueuer.enqueue({ type: 'sync', data: MAINNET }),
      ),
    );
    const accepted = answers.filter((decision) => decision.outcome === 'accepted');
    assert.equal(accepted.length, 1);
    assert.ok(answers.every((decision) => decision.jobId === accepted[0]?.jobId));
    const recorded = await core.recorded();
    assert.equal(recorded.filter((one) => one.outcome === 'already_queued').length, 199);
    assert.equal(recorded.filter((one) => one.outcome === 'accepted').length, 1);
    assert.equal(new Set(recorded.map((one) => one.id)).size, 200);
  });

  it('is idempotent for a job id: the same slot is one job', async () => {
    const request = { type: 'plain', data: {}, jobId: 'slot-a-1', action: 'schedule' } as const;
    const decisions = [await core.enqueuer.enqueue(request), await core.enqueuer.enqueue(request)];
    assert.deepEqual(
      decisions.map((one) => one.jobId),
      ['slot-a-1', 'slot-a-1'],
    );
    assert.equal(await core.queues.get('default').getWaitingCount(), 1);
  });

  for (const type of ['nothing', 'constructor', 'toString', '__proto__']) {
    it(`says which types there are, asked for "${type}"`, async () => {
      await assert.rejects(core.enqueuer.enqueue({ type, data: {} }), (error) => {
        assert.ok(error instanceof InterlockError);
        assert.equal(error.code, 'not_found');
        assert.match(error.remedy ?? '', /sync, plain, other/);
        return true;
      });
    });
  }

  it('answers a question that is asked twice, because its answer got lost, as before', async () => {
    // What a client sends again when its connection was cut: the very same command.
    const sent: unknown[][] = [];
    const evalsha = core.redis.evalsha.bind(core.redis);
    core.redis.evalsha = (...args: unknown[]) => {
      sent.push(args);
      return Reflect.apply(evalsha, core.redis, args) as never;
    };
    await core.enqueuer.enqueue({ type: 'sync', data: { network: 'warm' } });
    const first = await core.enqueuer.enqueue({ type: 'sync', data: { network: 'cut' } });
    const again: unknown = await Reflect.apply(evalsha, core.redis, sent.at(-1) ?? []);
    assert.equal(first.outcome, 'accepted');
    assert.equal(Array.isArray(again) && again[0], 'accepted');
    assert.equal(await core.queues.get('default').getWaitingCount(), 2);
  });

  it('enqueues under a lease only while it is held with that fence: checked in the same script', async () => {
    const { lease } = z
      .object({ lease: z.custom<Lease>() })
      .parse(await core.leases.acquire({ name: 'l', kind: 'stream', subject: 's', ttlMs: 5_000 }));
    const ask = (fence: number) =>
      core.enqueuer.enqueue({ type: 'plain', data: {}, lease: { name: 'l', fence } });
    assert.equal((await ask(lease.fence)).outcome, 'accepted');
    const late = await ask(lease.fence - 1);
    assert.deepEqual([late.outcome, late.reason, late.jobId], ['refused', 'lease_lost', null]);
    await lease.release();
    assert.equal((await ask(lease.fence)).reason, 'lease_lost');
    const [{ waiting } = { waiting: -1 }] = (await core.reader.queueRows()).map(
      (row) => row.counts,
    );
    assert.equal(waiting, 1);
    assert.deepEqual(
      (await core.recorded()).map(({ reason }) => reason),
      ['within_limits', 'lease_lost', 'lease_lost'],
    );
  });

  it('costs the one round trip of a bare add, accepted or refused', async () => {
    const single = await RedisServer.start();
    const measured = makeCore(single, { config: CONFIG });
    const bare = makeCore(single, { config: CONFIG });
    const monitor = await single.client().monitor();
    const seen: string[][] = [];
    monitor.on('monitor', (_time: string, args: string[], source: string) => {
      if (source !== 'lua') seen.push(args);
    });
    const markers: string[] = [];
    // What is seen is told late: a marker shows that everything before it has been told.
    const mark = async () => {
      const marker = `marker-${markers.push('')}`;
      await measured.redis.echo(marker);
      await eventually(marker, () => seen.some((args) => args[1] === marker), { everyMs: 5 });
    };
    const costOf = async (work: () => Promise<unknown>) => {
      await mark();
      seen.length = 0;
      await work();
      await mark();
      return seen.map((args) => args[0]?.toLowerCase()).filter((name) => name !== 'echo');
    };
    const bareAdd = () => bare.queues.get('default').add('plain', MAINNET);
    const enqueue = (network: string) =>
      measured.enqueuer.enqueue({ type: 'sync', data: { network } });
    // The first of each kind loads scripts and settings of the queue.
    await bareAdd();
    await enqueue('warm');
    await enqueue('warm');
    const add = await costOf(bareAdd);
    const accepted = await costOf(() => enqueue('cold'));
    assert.deepEqual(accepted, add);
    const refused = await costOf(() => enqueue('cold'));
    assert.deepEqual(refused, add);
    assert.ok(refused.length <= 2, refused.join(', '));
    monitor.disconnect();
    await single.stop();
  });
});
