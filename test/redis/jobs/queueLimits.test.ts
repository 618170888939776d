import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../../agent/common/clock.ts';
import type { JsonValue } from '../../../agent/common/json.ts';
import type { HandlerRunner } from '../../../agent/handlers/runner.ts';
import { WorkerPool } from '../../../agent/jobs/workerPool.ts';
import { eventually } from '../../harness/eventually.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore, SILENT, type Core } from '../leases/core.ts';

const MAX = 2;
const PER_MS = 400;
const CONFIG = {
  jobs: {
    one: { handler: 'x', queue: 'narrow', concurrency: 4 },
    two: { handler: 'x', queue: 'narrow', concurrency: 4 },
    limited: { handler: 'x', queue: 'limited', concurrency: 8 },
  },
  queues: {
    narrow: { concurrency: 3 },
    limited: { rateLimit: { max: MAX, per: PER_MS } },
  },
};

describe('the limits of a queue', () => {
  let server: TestRedis;
  let core: Core;
  const pools: WorkerPool[] = [];

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());
  beforeEach(async () => {
    core = makeCore(server, { config: CONFIG });
    await server.flush();
  });
  afterEach(async () => {
    await Promise.all(pools.splice(0).map((pool) => pool.close(0, 100)));
  });

  function open(run: () => Promise<JsonValue>): WorkerPool {
    const runner: HandlerRunner = {
      run,
      close: () => Promise.resolve(),
      processIds: () => [],
      keyOf: () => Promise.resolve(null),
      warmUp: () => undefined,
    };
    const pool = new WorkerPool({
      ...{ config: core.config, workspace: '/w', keys: core.keys, enqueuing: core.enqueuer },
      ...{ clock: systemClock, logger: SILENT, agentId: core.holder.agentId },
      ...{ scripts: core.scripts, decisions: core.decisions, connection: server.client() },
      onEnded: () => undefined,
      onRunsChange: () => undefined,
      createRunner: () => runner,
    });
    pools.push(pool);
    return pool;
  }

  async function add(count: number, types: string[]): Promise<string[]> {
    const ids: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const type = types[index % types.length] ?? '';
      ids.push((await core.enqueuer.enqueue({ type, data: { index } })).jobId ?? '');
    }
    return ids;
  }

  const completed = (queue: string) => core.redis.zcard(core.keys.queue(queue, 'completed'));

  it('"concurrency" holds for all its types together, in one agent', async () => {
    await add(12, ['one', 'two']);
    let running = 0;
    let most = 0;
    open(async () => {
      running += 1;
      most = Math.max(most, running);
      await delay(20);
      running -= 1;
      return null;
    });
    await eventually('all of them', async () => (await completed('narrow')) === 12);
    assert.equal(most, 3);
  });

  it('"rateLimit" holds for all agents together, and what has to wait has not begun', async () => {
    const ids = await add(7, ['limited']);
    const begunAt: number[] = [];
    const run = () => {
      begunAt.push(systemClock.monotonic());
      return Promise.resolve(null);
    };
    open(run);
    open(run);
    await eventually('all of them', async () => (await completed('limited')) === 7);
    // Seven jobs, two at a time: the last one begins three times later.
    const tookMs = Math.max(...begunAt) - Math.min(...begunAt);
    assert.ok(tookMs >= 3 * PER_MS - PER_MS / 2, `${tookMs} ms`);
    assert.equal(begunAt.length, 7, 'each ran once');
    for (const id of ids) {
      const counted = await core.redis.hmget(core.keys.job('limited', id), 'ats', 'atm');
      assert.deepEqual(counted, ['1', '1'], 'started once, one attempt');
    }
  });

  it('an agent that waits for the rate limit ends at once, and its jobs stay', async () => {
    core = makeCore(server, {
      config: { ...CONFIG, queues: { limited: { rateLimit: { max: 1, per: '1h' } } } },
    });
    const ids = await add(3, ['limited']);
    const pool = open(() => Promise.resolve(null));
    await eventually('the first one', async () => (await completed('limited')) === 1);
    const askedAt = systemClock.monotonic();
    await pool.close(10_000, 10_000);
    assert.ok(systemClock.monotonic() - askedAt < 2_000);
    const left = await core.redis.lrange(core.keys.queue('limited', 'wait'), 0, -1);
    assert.deepEqual(left.sort(), ids.slice(1).sort());
    for (const id of left) {
      assert.equal((await core.redis.hget(core.keys.job('limited', id), 'ats')) ?? '0', '0');
    }
  });
});
