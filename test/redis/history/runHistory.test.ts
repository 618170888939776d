import assert from 'node:assert/strict';
import { pino } from 'pino';
import { systemClock } from '../../../agent/common/clock.ts';
import type { EndedRun } from '../../../agent/history/runEntry.ts';
import { RunHistory, type RunHistoryOptions } from '../../../agent/history/runHistory.ts';
import { runningRow } from '../../../agent/history/runningRow.ts';
import { scheduleOfJobId, slotJobId } from '../../../agent/jobs/jobId.ts';
import type { RunRow } from '../../../agent/protocol/model.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { Scripts } from '../../../agent/redis/scripts.ts';
import { currentHolder } from '../../../agent/state/processIdentity.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { jobRow } from '../../unit/agent/cli/rows.ts';
import { deadHolder, foreignHolder } from '../leases/core.ts';

const START_MS = Date.parse('2026-01-31T09:15:00.000Z');
const ALL = { limit: 100, offset: 0 };

const ended = (facts: Partial<EndedRun> = {}): EndedRun => ({
  ...{ jobId: 'j1', queue: 'default', type: 'sync', key: 'main', status: 'completed' },
  ...{ startedAtMs: START_MS, endedAtMs: START_MS + 1_500, fence: 7, attempt: 1, error: null },
  ...facts,
});

describe('the run history', () => {
  let server: RedisServer;
  let redis: ReturnType<RedisServer['client']>;
  let lines: string[];
  const keys = new Keys('bull');
  const holder = currentHolder('all', 'a1');

  before(async () => {
    server = await RedisServer.start();
    redis = server.client();
  });
  after(() => server.stop());
  beforeEach(async () => {
    lines = [];
    await redis.flushall();
  });

  const open = (options: Partial<RunHistoryOptions> = {}) =>
    new RunHistory({
      ...{ redis, scripts: new Scripts(redis), keys, clock: systemClock, holder },
      logger: pino({ level: 'info' }, { write: (line: string) => void lines.push(line) }),
      retention: { keep: 10_000, maxAge: 86_400_000 },
      ...{ scheduleOf: scheduleOfJobId, ...options },
    });
  const jobIds = (rows: RunRow[]) => rows.map((row) => row.jobId).join(' ');

  it('gives back everything of a run, with this agent as its worker', async () => {
    const history = open();
    const jobId = slotJobId('nightly: "a"', START_MS);
    history.ended(
      ended({ jobId, status: 'failed', error: 'no\nroute', attempt: 2, waitedMs: 250.4 }),
    );
    const { rows, total } = await history.list(ALL, []);
    assert.equal(total, 1);
    assert.match(rows[0]?.id ?? '', /^\d+-\d+$/);
    assert.deepEqual(rows, [
      {
        ...{ id: rows[0]?.id, jobId, queue: 'default', type: 'sync', key: 'main' },
        ...{ status: 'failed', startedAt: '2026-01-31T09:15:00.000Z' },
        ...{ endedAt: '2026-01-31T09:15:01.500Z', durationMs: 1_500, pausedMs: 0, worker: holder },
        ...{ schedule: 'nightly: "a"', fence: 7, attempt: 2, error: 'no\nroute', waitedMs: 250 },
      },
    ]);
  });

  it('writes by itself, soon, and once', async () => {
    const history = open();
    history.ended(ended());
    await eventually('the run to be written', async () => (await redis.xlen(keys.history)) === 1);
    await history.flush();
    assert.equal(await redis.xlen(keys.history), 1);
  });

  it('lists what runs first, then what ended, newest first, by page', async () => {
    const history = open();
    for (let count = 0; count < 2_345; count += 1)
      history.ended(ended({ jobId: `e${count}`, type: count % 2 === 0 ? 'even' : 'odd' }));
    const running = ['r1', 'r2'].map((id) => {
      const job = jobRow({ id, state: 'active', startedAt: new Date(START_MS).toISOString() });
      const row = runningRow(job, { worker: holder, fence: 9, schedule: null, nowMs: START_MS });
      assert.ok(row !== undefined);
      return row;
    });
    const first = await history.list({ limit: 4, offset: 0 }, running);
    assert.deepEqual([jobIds(first.rows), first.total], ['r1 r2 e2344 e2343', 2_347]);
    const second = await history.list({ limit: 3, offset: 1 }, running);
    assert.equal(jobIds(second.rows), 'r2 e2344 e2343');
    const deep = await history.list({ limit: 2, offset: 2_345 }, running);
    assert.equal(jobIds(deep.rows), 'e1 e0');
    const odd = await history.list({ type: 'odd', limit: 2, offset: 500 }, running);
    assert.deepEqual([jobIds(odd.rows), odd.total], ['e1343 e1341', 1_172]);
  });

  it('filters by type, key and status, and by how long a run goes on', async () => {
    const history = open();
    history.ended(ended({ jobId: 'a', type: 'other' }));
    history.ended(ended({ jobId: 'b', key: 'test' }));
    history.ended(ended({ jobId: 'c', status: 'lost' }));
    history.ended(ended({ jobId: 'd', startedAtMs: START_MS - 9e6 }));
    const active = [5, 20].flatMap((minutes) => {
      const startedAt = new Date(START_MS - minutes * 60_000).toISOString();
      const job = jobRow({ id: `r${minutes}`, state: 'active', startedAt, key: 'main' });
      return runningRow(job, { worker: null, fence: null, schedule: null, nowMs: START_MS }) ?? [];
    });
    const ids = async (filter: object) =>
      jobIds((await history.list({ ...ALL, ...filter }, active)).rows);
    assert.equal(await ids({}), 'r5 r20 d c b a');
    assert.equal(await ids({ type: 'other' }), 'a');
    assert.equal(await ids({ key: 'test' }), 'b');
    assert.equal(await ids({ status: 'lost' }), 'c');
    assert.equal(await ids({ status: 'completed' }), 'd b a');
    assert.equal(await ids({ status: 'running' }), 'r5 r20');
    assert.equal(await ids({ runningLongerThanMs: 600_000 }), 'r20');
    assert.equal(await ids({ runningLongerThanMs: 600_000, key: 'test' }), '');
  });

  it('says of each worker whether it lives, and takes another one than this agent', async () => {
    const history = open();
    history.ended(ended({ worker: deadHolder('a2') }));
    history.ended(ended({ worker: foreignHolder('a3') }));
    history.ended(ended({ worker: null }));
    history.ended(ended());
    const { rows } = await history.list(ALL, []);
    assert.deepEqual(
      rows.map((row) => row.worker?.alive),
      [true, undefined, null, false],
    );
  });

  it('keeps no more than it shall, and nothing when nothing is to be kept', async () => {
    const history = open({ retention: { keep: 50, maxAge: 86_400_000 } });
    for (let count = 0; count < 1_000; count += 1) history.ended(ended({ jobId: `e${count}` }));
    const { rows, total } = await history.list(ALL, []);
    assert.deepEqual([rows.length, total, rows.at(-1)?.jobId], [50, 50, 'e950']);
    const stored = await redis.xlen(keys.history);
    assert.ok(stored < 300, `${stored} are stored`);
    await redis.flushall();
    const none = open({ retention: { keep: 0, maxAge: 86_400_000 } });
    none.ended(ended());
    assert.equal((await none.list(ALL, [])).total, 0);
    assert.equal(await redis.exists(keys.history), 0);
  });

  it('forgets what is older than it shall be', async () => {
    // Entries as they were two hours ago: their ids are the time at which they were written.
    const [seconds] = await redis.time();
    const old = (Number(seconds) - 7_200) * 1_000;
    const history = open({ retention: { keep: 10_000, maxAge: 3_600_000 } });
    history.ended(ended());
    await history.flush();
    const fields = (await redis.xrange(keys.history, '-', '+'))[0]?.[1] ?? [];
    await redis.del(keys.history);
    for (let count = 0; count < 500; count += 1)
      await redis.xadd(keys.history, `${old + count}-0`, ...fields);
    assert.equal((await history.list(ALL, [])).total, 0);
    history.ended(ended({ jobId: 'new' }));
    assert.equal(jobIds((await history.list(ALL, [])).rows), 'new');
    const stored = await redis.xlen(keys.history);
    assert.ok(stored < 200, `${stored} are stored`);
  });

  it('frees the places of runs that ended, and none that another job has by now', async () => {
    const history = open();
    await redis.hset(keys.running('sync'), { '["a"]': '7 j1', '["b"]': '9 j9', j3: '8 j3' });
    await redis.hset(keys.running('other'), { '["a"]': '7 j1', j4: '8 j4' });
    history.ended(ended({ runningField: '["a"]' }));
    history.ended(ended({ jobId: 'j2', fence: 8, runningField: '["b"]' }));
    history.ended(ended({ jobId: 'j3', fence: 7, runningField: 'j3' }));
    history.ended(ended({ jobId: 'j4', type: 'other', fence: 8, runningField: 'j4' }));
    history.ended(ended({ type: 'third' }));
    await history.flush();
    assert.deepEqual(await redis.hgetall(keys.running('sync')), { '["b"]': '9 j9', j3: '8 j3' });
    assert.deepEqual(await redis.hgetall(keys.running('other')), { '["a"]': '7 j1' });
    assert.equal(await redis.xlen(keys.history), 5);
  });

  it('frees places also when no run is to be kept', async () => {
    const history = open({ retention: { keep: 0, maxAge: 1 } });
    await redis.hset(keys.running('sync'), 'j1', '1790000000000 j1');
    history.ended(ended({ fence: 1_790_000_000_000, runningField: 'j1' }));
    await history.flush();
    assert.equal(await redis.exists(keys.running('sync')), 0);
  });

  it('says in the log what of a flood it could not record', async () => {
    const history = open();
    for (let count = 0; count < 5_010; count += 1) history.ended(ended());
    await history.flush();
    assert.ok(lines.some((line) => line.includes('"dropped":10')));
    assert.equal((await history.list(ALL, [])).total, 5_000);
  });

  it('never rejects when it can not write, and says so in the log', async () => {
    await redis.set(keys.history, 'not a stream');
    const history = open();
    history.ended(ended());
    await history.flush();
    assert.ok(lines.some((line) => line.includes('runs not recorded')));
  });

  it('passes over entries that are not its own, and cuts reasons that are too long', async () => {
    const history = open();
    history.ended(ended({ error: 'x'.repeat(100_000) }));
    await history.flush();
    for (const text of ['', 'x', 'null', '[]', '["j",1]'])
      await redis.xadd(keys.history, '*', 'run', text);
    await redis.xadd(keys.history, '*', 'other', 'field');
    const { rows, total } = await history.list(ALL, []);
    assert.deepEqual([total, rows[0]?.error?.length], [1, 500]);
  });
});

describe('the row of a run that goes on', () => {
  const facts = { worker: null, fence: 5, schedule: 'nightly', nowMs: START_MS + 2_000 };
  const startedAt = new Date(START_MS).toISOString();

  it('is made of its job and what is known of its run', () => {
    const job = jobRow({ state: 'active', startedAt, attemptsMade: 1, key: 'main' });
    assert.deepEqual(runningRow(job, facts), {
      ...{ id: 'default/j1', jobId: 'j1', queue: 'default', type: 'sync', key: 'main' },
      ...{
        status: 'running',
        startedAt,
        endedAt: null,
        durationMs: 2_000,
        pausedMs: 0,
        worker: null,
      },
      ...{ schedule: 'nightly', fence: 5, attempt: 2, error: null, waitedMs: null },
    });
  });

  it('is there only for a job that has started', () => {
    assert.equal(runningRow(jobRow({ state: 'active' }), facts), undefined);
    assert.equal(runningRow(jobRow({ state: 'completed', startedAt }), facts), undefined);
  });
});
