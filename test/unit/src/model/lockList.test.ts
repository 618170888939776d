import assert from 'node:assert/strict';
import type { LockRow } from '../../../../agent/protocol/model.ts';
import { AgentTime } from '../../../../src/model/agentTime.ts';
import { LockList } from '../../../../src/model/lockList.ts';
import { Store } from '../../../../src/model/store.ts';
import { pagingClient } from '../fakeAgent.ts';
import { agentRow, at, byKey, holder, lockRow, NOW_MS, snapshot } from '../rows.ts';

const clock = {
  now: () => NOW_MS,
  monotonic: () => 0,
  setTimeout: () => ({ cancel: () => undefined }),
};

function setUp(sent: LockRow[], total = sent.length) {
  const store = new Store();
  const list = new LockList(store, new AgentTime(clock));
  const agent = { agent: agentRow({ totals: { locks: total, decisions: 0 } }) };
  list.onRows(
    store.replace(snapshot(1, { agent, locks: byKey(sent, ({ name }) => name) })).changes,
  );
  return { store, list };
}

const run = (name: string, fields: Partial<LockRow> = {}) =>
  lockRow({ name, kind: 'run', subject: name, acquiredAt: at(-5), ...fields });
const names = (rows: readonly LockRow[]) => rows.map(({ name }) => name);

describe('the list of locks', () => {
  it('has what needs a person on top, the worst first, then kinds and names', () => {
    const { list } = setUp([
      run('run:10'),
      run('run:9'),
      run('run:long', { acquiredAt: at(-1_900) }),
      run('run:emergency', { acquiredAt: at(-3_400) }),
      run('run:paused', { state: 'paused' }),
      lockRow({ name: 'de:x', kind: 'dedup', state: 'orphaned', holder: null }),
      lockRow({ name: 'nse', kind: 'stream' }),
      lockRow({ name: 'scheduler:lock' }),
    ]);
    assert.deepEqual(names(list.rows()), [
      ...['de:x', 'run:emergency', 'run:long', 'run:paused'],
      ...['scheduler:lock', 'nse', 'run:9', 'run:10'],
    ]);
  });

  it('loads page by page until nothing is left', async () => {
    const all = Array.from({ length: 450 }, (_, index) => run(`run:${index}`));
    const { list } = setUp(all.slice(0, 200), 450);
    const { client, asked } = pagingClient(() => all);
    assert.equal(list.remaining, 250);
    await list.load(client);
    assert.equal(list.remaining, 50);
    await list.load(client);
    assert.equal(list.remaining, 0);
    assert.deepEqual(
      asked.map(({ offset }) => offset),
      [200, 400],
    );
    assert.equal(list.rows().length, 450);
    assert.equal(list.find('run:449')?.name, 'run:449');
  });

  it('finds locks that stand before the place where it went on', async () => {
    const { list } = setUp([run('run:5'), run('run:6')], 3);
    const { client, asked } = pagingClient(() =>
      [run('run:1'), run('run:5'), run('run:6')].slice(0, 3),
    );
    await list.load(client);
    assert.equal(list.rows().length, 3, 'the page behind brought it');
    assert.deepEqual(
      asked.map(({ offset }) => offset),
      [2, 0],
    );
  });

  it('believes the agent where it knows better than a page', async () => {
    const old = run('run:2', { holder: null });
    const { store, list } = setUp([run('run:1')], 2);
    await list.load(pagingClient(() => [run('run:1'), old]).client);
    const change = { collection: 'locks', key: 'run:2', row: run('run:2', { holder }) } as const;
    const outcome = store.apply({ seq: 2, changes: [change] });
    assert.ok(outcome.kind === 'applied');
    list.onRows(outcome.changes);
    assert.deepEqual(list.find('run:2')?.holder, holder);
    const gone = store.apply({ seq: 3, changes: [{ ...change, row: null }] });
    assert.ok(gone.kind === 'applied');
    list.onRows(gone.changes);
    assert.equal(list.find('run:2'), undefined);
  });

  it('forgets what it loaded when there are fewer locks than it knows', async () => {
    const { store, list } = setUp([run('run:1')], 3);
    await list.load(pagingClient(() => [run('run:1'), run('run:2'), run('run:3')]).client);
    assert.equal(list.known, 3);
    const row = agentRow({ totals: { locks: 1, decisions: 0 } });
    const outcome = store.apply({
      seq: 2,
      changes: [{ collection: 'agent', key: 'agent', row }],
    });
    assert.ok(outcome.kind === 'applied');
    list.onRows(outcome.changes);
    assert.deepEqual(names(list.rows()), ['run:1']);
  });

  it('counts the rest of a TTL from when the row came', () => {
    const key = { kind: 'watched', acquiredAt: null, renewedAt: null, ageMs: null } as const;
    const { list } = setUp([lockRow({ name: 'redlock:x', ...key, ttlMs: 9_000 })]);
    const lock = list.find('redlock:x');
    assert.ok(lock);
    assert.equal(list.ttlLeftMs(lock, NOW_MS + 4_000), 5_000);
  });

  it('sorts 10,000 within what a frame or two may take', () => {
    const { list } = setUp(Array.from({ length: 10_000 }, (_, index) => run(`run:${index}`)));
    const startedAt = performance.now();
    assert.equal(list.rows().length, 10_000);
    assert.ok(performance.now() - startedAt < 500);
  });
});
