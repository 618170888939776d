import assert from 'node:assert/strict';
import { pino } from 'pino';
import * as z from 'zod';
import { parseEntry } from '../../../agent/decisions/decisionEntry.ts';
import type { DecisionFields } from '../../../agent/decisions/decisionLog.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeCore, type Core } from '../leases/core.ts';

const fields = (changes: Partial<DecisionFields> = {}): DecisionFields => ({
  ...{ action: 'enqueue', subject: 'sync', key: 'mainnet', outcome: 'accepted' },
  ...{
    reason: 'within_limits',
    jobId: 'j1',
    survivor: null,
    holder: null,
    until: null,
    remedy: null,
  },
  ...changes,
});
const everything = () => true;

describe('the decision log', () => {
  let server: RedisServer;
  let core: Core;
  let lines: string[];

  before(async () => (server = await RedisServer.start()));
  after(() => server.stop());
  beforeEach(async () => {
    lines = [];
    const logger = pino({ level: 'info' }, { write: (line: string) => void lines.push(line) });
    core = makeCore(server, { logger });
    await core.redis.flushall();
  });

  it('lists the newest first, by page and by what matches', async () => {
    for (const subject of ['a', 'b', 'a', 'b', 'a'])
      await core.decisions.record(fields({ subject }));
    const { rows: all, total } = await core.decisions.list(10, 0, everything);
    assert.equal(total, 5);
    assert.deepEqual(all.map((one) => one.subject).join(''), 'ababa');
    assert.deepEqual(
      all.map((one) => one.id),
      all.map((one) => one.id).sort((x, y) => y.localeCompare(x, 'en', { numeric: true })),
    );
    const page = await core.decisions.list(1, 1, (one) => one.subject === 'b');
    assert.deepEqual(page, { rows: [all[3]], total: 2 });
    assert.deepEqual(await core.decisions.newest(2), all.slice(0, 2));
  });

  it('keeps a bounded number', async () => {
    const batch = core.redis.pipeline();
    for (let n = 0; n < 12_000; n += 1)
      batch.xadd(core.keys.decisions, '*', 'accepted', '["enqueue","t",null,"j"]');
    await batch.exec();
    await core.decisions.record(fields());
    const length = await core.redis.xlen(core.keys.decisions);
    assert.ok(length >= 10_000 && length < 11_000, `${length}`);
  });

  it('tells the caller when a refusal can not be recorded', async () => {
    await core.redis.set(core.keys.decisions, 'not a stream');
    await assert.rejects(core.decisions.record(fields({ outcome: 'refused' })), /WRONGTYPE/);
  });

  it('logs each refusal with action, reason, type and survivor, and nothing of what was accepted', async () => {
    await core.decisions.record(fields());
    assert.deepEqual(lines, []);
    const survivor = { jobId: 'j0', state: 'waiting', since: null };
    await core.decisions.record(
      fields({ outcome: 'already_queued', reason: 'unique_key', survivor }),
    );
    const logged = z.looseObject({}).parse(JSON.parse(lines.join('')));
    const said = ['action', 'reason', 'job_type', 'key', 'outcome', 'survivor'].map(
      (k) => logged[k],
    );
    assert.deepEqual(said, ['enqueue', 'unique_key', 'sync', 'mainnet', 'already_queued', 'j0']);
  });

  it('passes over entries that are not its own', async () => {
    await core.decisions.record(fields());
    const foreign = ['', 'x', 'null', '[]', '{}', '{"at":"1","survivor":null}', '{"at":1}'];
    for (const text of foreign) await core.redis.xadd(core.keys.decisions, '*', 'decision', text);
    await core.redis.xadd(core.keys.decisions, '*', 'other', 'field', 'and', 'more');
    assert.equal((await core.decisions.list(100, 0, everything)).total, 1);
    assert.equal((await core.decisions.newest(100)).length, 1);
  });

  it('reads times that scripts wrote in milliseconds, and its own from its id', () => {
    const survivor = { jobId: 'j', state: 'active', since: '1700000000000' };
    const json = JSON.stringify({ ...fields(), survivor });
    const decision = parseEntry('1700000000001-0', ['decision', json]);
    assert.deepEqual(
      [decision?.id, decision?.at, decision?.survivor?.since],
      ['1700000000001-0', '2023-11-14T22:13:20.001Z', '2023-11-14T22:13:20.000Z'],
    );
  });
});
