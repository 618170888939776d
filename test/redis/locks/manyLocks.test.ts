import assert from 'node:assert/strict';
import { systemClock } from '../../../agent/common/clock.ts';
import { KeyScan } from '../../../agent/locks/keyScan.ts';
import type { LockService } from '../../../agent/locks/lockService.ts';
import { literalPattern } from '../../../agent/redis/keyWalk.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { deadHolder, makeCore, type Core } from '../leases/core.ts';
import { locksOf } from './lockFixture.ts';
import { writeManyLocks } from './manyLocks.ts';

const MANY = 10_000;
/** More than one look goes through. */
const OTHERS = 120_000;

describe('very many locks', () => {
  let server: RedisServer;
  let core: Core;
  let locks: LockService;

  before(async () => {
    server = await RedisServer.start();
    core = makeCore(server, {
      config: { jobs: { sync: { handler: './a.ts', unique: { by: ['n'] } } } },
    });
    await writeManyLocks(core, MANY);
    locks = locksOf(core);
  });
  after(() => server.stop());

  it('are listed in well under a second of work, page by page, each of them once', async () => {
    const first = await locks.list({}, 100, 0);
    assert.equal(first.total, 2 * MANY);
    assert.equal(locks.total, 2 * MANY);
    const names = new Set<string>();
    const costs: number[] = [];
    for (let offset = 0; offset < 2 * MANY; offset += 5_000) {
      // Processor time: how long it takes depends on what else this machine does.
      const before = process.cpuUsage();
      const { rows } = await locks.list({}, 5_000, offset);
      const { user, system } = process.cpuUsage(before);
      costs.push((user + system) / 1_000);
      for (const { name } of rows) names.add(name);
    }
    assert.equal(names.size, 2 * MANY);
    assert.ok(Math.min(...costs) < 700, `${costs.map(Math.round).join(', ')} ms`);
  });

  it("hide neither what needs a look nor the scheduler's lock", async () => {
    const taken = await core.leases.acquire({
      ...{ name: 'scheduler:global_lock', kind: 'scheduler', subject: 'schedules', ttlMs: 60_000 },
    });
    assert.ok(taken.acquired);
    const dead = JSON.stringify(deadHolder('d'));
    const pipeline = core.redis.pipeline();
    for (let index = 0; index < 250; index += 1)
      pipeline.hset(core.keys.lease(`stream:s${index}`), 'holder', dead);
    await pipeline.exec();
    const first = await locks.first(200);
    assert.equal(first.length, 201);
    assert.equal(first.filter(({ state }) => state === 'holder_dead').length, 200);
    assert.equal(first.at(-1)?.name, 'scheduler:global_lock');
    const { rows } = await locks.list({ kind: 'scheduler' }, 1, 0);
    assert.equal(rows[0]?.name, 'scheduler:global_lock');
    await taken.lease.release();
  });

  it('are looked for bit by bit among many other keys, and found in the end', async () => {
    const redis = server.client();
    await redis.flushall();
    for (let from = 0; from < OTHERS; from += 20_000) {
      const pipeline = redis.pipeline();
      for (let index = from; index < from + 20_000; index += 1) pipeline.set(`other:${index}`, '');
      await pipeline.exec();
    }
    await redis.set('lock:[1]', '');
    const scan = new KeyScan(redis, `${literalPattern('lock:[1]')}*`, systemClock);
    const steps = async () =>
      Number(/cmdstat_scan:calls=(\d+)/.exec(await redis.info('commandstats'))?.[1] ?? 0);
    await redis.config('RESETSTAT');
    let looks = 0;
    await eventually('the key to be found', async () => {
      looks += 1;
      return (await scan.keys(0)).has('lock:[1]');
    });
    assert.ok((await steps()) <= looks * 50, 'a look has an end');
    const before = await steps();
    assert.deepEqual([...(await scan.keys(60_000))], ['lock:[1]']);
    assert.equal(await steps(), before, 'what is known for less than that is not looked for');
    await redis.del('lock:[1]');
    await eventually('it to be forgotten', async () => (await scan.keys(0)).size === 0);
  });
});
