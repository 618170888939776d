import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { deadHolder, makeCore } from './core.ts';

const CONTENDERS = 20;
const ROUNDS = 120;
const REQUEST = { name: 'one', kind: 'stream', subject: 'one', ttlMs: 2_000 } as const;

describe('twenty contenders for one lease', () => {
  let server: TestRedis;
  before(async () => (server = await startTestRedis()));
  after(() => server.stop());

  it('have exactly one holder at any time, and fences rise strictly', async () => {
    const cores = Array.from({ length: CONTENDERS }, () => makeCore(server));
    const fences: number[] = [];
    let holders = 0;
    let most = 0;
    const contend = async (core: (typeof cores)[number]) => {
      while (fences.length < ROUNDS) {
        const result = await core.leases.acquire(REQUEST);
        if (!result.acquired) {
          await turn();
          continue;
        }
        holders += 1;
        most = Math.max(most, holders);
        fences.push(result.lease.fence);
        await turn();
        assert.equal(result.lease.signal.aborted, false);
        holders -= 1;
        await result.lease.release();
      }
    };
    await Promise.all(cores.map(contend));
    assert.equal(most, 1);
    assert.ok(fences.length >= ROUNDS);
    assert.ok(fences.every((fence, index) => index === 0 || fence > (fences[index - 1] ?? NaN)));
  });

  it('take over from a dead one exactly once', async () => {
    const dead = makeCore(server, { holder: deadHolder('gone') });
    for (let round = 0; round < 10; round += 1) {
      const name = `round:${round}`;
      const old = await dead.leases.acquire({ ...REQUEST, name, ttlMs: 60_000 });
      assert.ok(old.acquired);
      const cores = Array.from({ length: CONTENDERS }, () => makeCore(server));
      const results = await Promise.all(
        cores.map((core) => core.leases.acquire({ ...REQUEST, name })),
      );
      const won = results.filter((result) => result.acquired);
      assert.equal(won.length, 1);
      assert.equal(won[0]?.takenOverFrom?.agentId, 'gone');
      await Promise.all(won.map((result) => result.lease.release()));
      // It is another's by now; this ends the timers of what plays the dead one in this process.
      await old.lease.release();
      for (const core of cores) core.redis.disconnect();
    }
  });
});
