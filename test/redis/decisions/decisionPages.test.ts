import assert from 'node:assert/strict';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeCore, type Core } from '../leases/core.ts';

const MANY = 10_000;

describe('pages of very many decisions', () => {
  let server: RedisServer;
  let core: Core;

  before(async () => {
    server = await RedisServer.start();
    core = makeCore(server);
    for (let from = 0; from < MANY; from += 1_000) {
      const pipeline = core.redis.pipeline();
      for (let index = from; index < from + 1_000; index += 1) {
        const line = ['enqueue', index % 4 === 0 ? 'rare' : 'sync', null, `j${index}`];
        pipeline.xadd(core.keys.decisions, `${index + 1}-0`, 'accepted', JSON.stringify(line));
      }
      await pipeline.exec();
    }
  });
  after(() => server.stop());

  /** How many entries Redis gave, and in how many goes. */
  async function reading<T>(
    act: () => Promise<T>,
  ): Promise<{ answer: T; calls: number; bytes: number }> {
    await core.redis.config('RESETSTAT');
    const answer = await act();
    const info = await core.redis.info('all');
    const number = (pattern: RegExp) => Number(pattern.exec(info)?.[1] ?? 0);
    return {
      answer,
      calls: number(/cmdstat_xrevrange:calls=(\d+)/),
      bytes: number(/total_net_output_bytes:(\d+)/),
    };
  }

  const idsOf = ({ rows }: { rows: { jobId: string | null }[] }) => rows.map(({ jobId }) => jobId);

  it('read no more than the page needs when nothing is left out', async () => {
    const { answer, calls, bytes } = await reading(() => core.decisions.list(100, 0));
    assert.deepEqual([answer.total, answer.rows.length, calls], [MANY, 100, 1]);
    assert.equal(answer.rows[0]?.jobId, 'j9999');
    assert.ok(bytes < 50_000, `${bytes} bytes`);
    assert.equal(await core.decisions.count(), MANY);
  });

  it('together have each of them once, newest first', async () => {
    const ids: (string | null)[] = [];
    for (let offset = 0; offset < MANY; offset += 999) {
      ids.push(...idsOf(await core.decisions.list(999, offset)));
    }
    assert.deepEqual(
      ids,
      Array.from({ length: MANY }, (_, index) => `j${MANY - 1 - index}`),
    );
    assert.deepEqual((await core.decisions.list(100, MANY)).rows, []);
  });

  it('count what matches, and hold the same as if all were read at one time', async () => {
    const rare = (one: { subject: string }) => one.subject === 'rare';
    const { answer, calls } = await reading(() => core.decisions.list(3, 2_000, rare));
    assert.equal(answer.total, MANY / 4);
    assert.deepEqual(idsOf(answer), ['j1996', 'j1992', 'j1988']);
    assert.ok(calls > 1, 'it is read bit by bit');
  });

  it('leave a gap where an entry is none of ours, and go on after it', async () => {
    await core.redis.xadd(core.keys.decisions, '*', 'other', '{}');
    const { rows, total } = await core.decisions.list(2, 0);
    assert.deepEqual([rows.length, total], [1, MANY + 1]);
    assert.deepEqual(idsOf(await core.decisions.list(2, 2)), ['j9998', 'j9997']);
  });
});
