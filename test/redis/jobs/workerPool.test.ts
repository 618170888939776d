import assert from 'node:assert/strict';
import { systemClock } from '../../../agent/common/clock.ts';
import { deferred } from '../../../agent/common/deferred.ts';
import { InterlockError } from '../../../agent/common/errors.ts';
import type { JsonValue } from '../../../agent/common/json.ts';
import type { HandlerRunner, RunHooks, RunRequest } from '../../../agent/handlers/runner.ts';
import type { EndedRun } from '../../../agent/history/runEntry.ts';
import { WorkerPool } from '../../../agent/jobs/workerPool.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore, SILENT, type Core, type CoreRedis } from '../leases/core.ts';

const CONFIG = {
  jobs: {
    slow: { handler: 'x', concurrency: 2, unique: { by: ['n'] } },
    flaky: { handler: 'x', concurrency: 1, retry: { max: 2, intervals: ['150ms', '400ms'] } },
  },
};

type Handle = (request: RunRequest, hooks: RunHooks) => Promise<JsonValue>;

describe('the worker pool', () => {
  let server: TestRedis;
  let core: Core;
  /** Of the test: the shared one, or one that it may freeze. */
  let used: CoreRedis;
  let pool: WorkerPool | undefined;
  let ended: EndedRun[] = [];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    await server.flush();
    use(server);
    ended = [];
  });
  afterEach(async () => {
    await pool?.close(0, 100);
  });

  function use(redis: CoreRedis): void {
    used = redis;
    core = makeCore(redis, { config: CONFIG });
  }

  function open(handle: Handle): WorkerPool {
    const runner: HandlerRunner = {
      run: handle,
      close: () => Promise.resolve(),
      processIds: () => [],
      keyOf: () => Promise.resolve(null),
      warmUp: () => undefined,
    };
    pool = new WorkerPool({
      ...{ config: core.config, workspace: '/w', keys: core.keys, enqueuing: core.enqueuer },
      ...{ clock: systemClock, logger: SILENT, agentId: core.holder.agentId },
      ...{ scripts: core.scripts, decisions: core.decisions, connection: used.client() },
      onEnded: (run) => void ended.push(run),
      onRunsChange: () => undefined,
      createRunner: () => runner,
    });
    return pool;
  }

  const add = async (type: string, data: Record<string, number> = {}) =>
    (await core.enqueuer.enqueue({ type, data })).jobId ?? '';
  const detail = (id: string) => core.reader.detail(id);
  const inState = (id: string, state: string) =>
    eventually(`${id} to be ${state}`, async () => {
      const job = await detail(id);
      return job.state === state && job;
    });

  it('runs jobs, keeps their result, log and progress, and frees their key', async () => {
    open(async (request, hooks) => {
      await hooks.log(`attempt ${request.attempt} of ${request.type}`);
      await hooks.progress({ half: true });
      return { got: JSON.stringify(request.data) };
    });
    const id = await add('slow', { n: 1 });
    const job = await inState(id, 'completed');
    assert.deepEqual(job.result, { got: '{"n":1}' });
    assert.deepEqual([job.logs, job.progress], [['attempt 1 of slow'], { half: true }]);
    assert.notEqual(await add('slow', { n: 1 }), id);
  });

  it('gives each run of a unique type a higher fence, over jobs', async () => {
    const fences: number[] = [];
    open((request) => {
      fences.push(request.fence);
      return Promise.resolve(null);
    });
    for (let count = 0; count < 5; count += 1)
      await inState(await add('slow', { n: 1 }), 'completed');
    assert.equal(fences.length, 5);
    assert.deepEqual(
      fences,
      [...new Set(fences)].sort((a, b) => a - b),
    );
  });

  it('fails a job of a type that is not declared, at once, and says what to do', async () => {
    open(() => Promise.resolve(null));
    await core.queues.get('default').add('stranger', {}, { jobId: 'x', attempts: 5 });
    const job = await inState('x', 'failed');
    assert.equal(job.attemptsMade, 1);
    assert.match(job.failedReason ?? '', /"stranger".*"jobs" in interlock\.config\.json.*default/);
  });

  it('waits the intervals between retries, then gives up with the reason', async () => {
    const starts: number[] = [];
    open(() => {
      starts.push(performance.now());
      return Promise.reject(
        new InterlockError({ code: 'handler_failed', message: 'the gate is shut' }),
      );
    });
    const id = await add('flaky');
    const job = await inState(id, 'failed');
    assert.deepEqual([job.attemptsMade, job.failedReason], [3, 'the gate is shut']);
    const waits = starts.slice(1).map((at, index) => at - (starts[index] ?? 0));
    assert.ok((waits[0] ?? 0) >= 150 && (waits[1] ?? 0) >= 400, waits.join(', '));
    assert.ok((waits[0] ?? 0) < 400, `the first wait is the shorter one: ${String(waits[0])}`);
  });

  it('tells when a job that waits for its retry is due', async () => {
    open(() => Promise.reject(new Error('no')));
    const id = await add('flaky');
    const { createdAt } = await eventually('its second failure', async () => {
      const job = await detail(id);
      return job.attemptsMade === 2 && job.state === 'delayed' && job;
    });
    const row = await detail(id);
    const afterMs = Date.parse(row.dueAt ?? '') - Date.parse(createdAt);
    assert.ok(afterMs >= 150 + 400, `due ${afterMs} ms after its creation`);
  });

  it('runs no more jobs of a type at one time than its concurrency says', async () => {
    let running = 0;
    let most = 0;
    open(async () => {
      running += 1;
      most = Math.max(most, running);
      await new Promise((resolve) => setTimeout(resolve, 20));
      running -= 1;
      return null;
    });
    const ids = await Promise.all(Array.from({ length: 12 }, (_, n) => add('slow', { n })));
    for (const id of ids) await inState(id, 'completed');
    assert.equal(most, 2);
    assert.equal(pool?.runsInProgress, 0);
  });

  it('lets a run finish that ends in time when it closes', async () => {
    const begun = deferred<undefined>();
    const go = deferred<undefined>();
    const open1 = open(async () => {
      begun.resolve(undefined);
      await go.promise;
      return 'done';
    });
    const id = await add('slow', { n: 1 });
    await begun.promise;
    const closed = open1.close(5_000, 1_000);
    go.resolve(undefined);
    await closed;
    assert.deepEqual((await detail(id)).result, 'done');
  });

  it('gives a run back that does not end in time: it waits again, with its attempts and its key', async () => {
    const begun = deferred<undefined>();
    const first = open(async (_request, hooks) => {
      begun.resolve(undefined);
      await new Promise((resolve) => hooks.signal.addEventListener('abort', resolve));
      throw new InterlockError({ code: 'handler_died', message: 'cut' });
    });
    const id = await add('slow', { n: 1 });
    const waiting = await Promise.all([add('slow', { n: 2 }), add('slow', { n: 3 })]);
    await begun.promise;
    await first.close(50, 50);
    const job = await detail(id);
    assert.deepEqual([job.state, job.attemptsMade, job.failedReason], ['waiting', 0, null]);
    const again = await core.enqueuer.enqueue({ type: 'slow', data: { n: 1 } });
    assert.equal(again.jobId, id);
    open(() => Promise.resolve('second'));
    for (const each of [id, ...waiting])
      assert.equal((await inState(each, 'completed')).result, 'second');
  });

  it('shows waiting jobs of a paused queue as waiting', async () => {
    const queue = core.queues.get('default');
    await queue.pause();
    const id = await add('slow', { n: 1 });
    const rows = await core.reader.list({ state: 'waiting', limit: 10, offset: 0 });
    assert.deepEqual(
      rows.map((row) => row.id),
      [id],
    );
    const row = await core.reader.queueRow('default');
    assert.deepEqual([row.paused, row.counts.waiting], [true, 1]);
  });

  it('fails no job whose lock was lost: it is left to whoever takes it over', async () => {
    const begun = deferred<undefined>();
    const reason = deferred<unknown>();
    open(async (_request, hooks) => {
      begun.resolve(undefined);
      await new Promise((resolve) => hooks.signal.addEventListener('abort', resolve));
      reason.resolve(hooks.signal.reason);
      throw new Error('told to stop');
    });
    const id = await add('slow', { n: 1 });
    // It is active before its last check, which would find the lock gone and not begin it.
    await begun.promise;
    await core.redis.del(core.keys.jobLock('default', id));
    assert.match(String(await reason.promise), /The lock of job .* is lost/);
    await pool?.close(1_000, 1_000);
    const job = await detail(id);
    assert.deepEqual([job.state, job.attemptsMade, job.failedReason], ['active', 0, null]);
    assert.deepEqual(ended, []);
  });

  describe('of one server', () => {
    let single: RedisServer;

    before(async () => (single = await RedisServer.start()));
    after(() => single.stop());
    beforeEach(async () => {
      await single.flush();
      use(single);
    });

    it('closes within its bounds while Redis does not answer', async () => {
      const begun = deferred<undefined>();
      const first = open(async (_request, hooks) => {
        begun.resolve(undefined);
        await new Promise((resolve) => hooks.signal.addEventListener('abort', resolve));
        throw new Error('cut');
      });
      await add('slow', { n: 1 });
      await begun.promise;
      single.freeze();
      try {
        const startedAt = performance.now();
        await first.close(100, 100);
        const took = performance.now() - startedAt;
        assert.ok(took < 8_000, `${took} ms`);
      } finally {
        single.thaw();
        pool = undefined;
      }
    });

    it('gives a job back when its lock can not be renewed, and it is still ours', async () => {
      open(async (_request, hooks) => {
        await new Promise((resolve) => hooks.signal.addEventListener('abort', resolve));
        throw new Error('told to stop');
      });
      const id = await add('slow', { n: 1 });
      await inState(id, 'active');
      // For longer than the run is trusted without a renewal, and shorter than its lock lives.
      await single.client().client('PAUSE', 3_500);
      await eventually('the run to end', () => ended.some(({ status }) => status === 'returned'));
      const job = await detail(id);
      assert.deepEqual([job.attemptsMade, job.failedReason], [0, null]);
    });
  });
});
