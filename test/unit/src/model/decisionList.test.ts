import assert from 'node:assert/strict';
import type { Decision } from '../../../../agent/protocol/decision.ts';
import { DecisionList } from '../../../../src/model/decisionList.ts';
import { DecisionRuns, isRun } from '../../../../src/model/decisionRuns.ts';
import { newestDecisions } from '../../../../src/model/selectors.ts';
import { Store } from '../../../../src/model/store.ts';
import { pagingClient } from '../fakeAgent.ts';
import { agentRow, at, byKey, decision, snapshot } from '../rows.ts';

/** Newest first, one second apart. */
function decisions(count: number, fields: (index: number) => Partial<Decision> = () => ({})) {
  return Array.from({ length: count }, (_, index) =>
    decision({ id: `${10_000 - index}-0`, at: at(-index), ...fields(index) }),
  );
}

function setUp(all: Decision[], sent: number) {
  const store = new Store();
  const list = new DecisionList(store);
  const agent = { agent: agentRow({ totals: { locks: 0, decisions: all.length } }) };
  const rows = byKey(all.slice(0, sent), ({ id }) => id);
  store.replace(snapshot(1, { agent, decisions: rows }));
  const { client, asked } = pagingClient(({ subject, outcome }) =>
    all.filter(
      (one) =>
        (subject === undefined || one.subject === subject) &&
        (outcome === undefined || one.outcome === outcome),
    ),
  );
  return { store, list, client, asked };
}

/** Newer ones come, and as many of the oldest that were sent leave. */
function come(store: Store, list: DecisionList, seq: number, newer: number, leaving: number): void {
  const sent = newestDecisions(store.rows('decisions')).map(({ id }) => id);
  const rows = decisions(newer, (index) => ({ id: `${seq * 100_000 - index}-0`, at: at(seq) }));
  const outcome = store.apply({
    seq,
    changes: [
      ...rows.map((row) => ({ collection: 'decisions', key: row.id, row }) as const),
      ...sent.slice(-leaving).map((key) => ({ collection: 'decisions', key, row: null }) as const),
    ],
  });
  assert.ok(outcome.kind === 'applied');
  list.onRows(outcome.changes);
}

describe('the list of decisions', () => {
  it('goes on behind what the agent sends, without a gap when newer ones come', async () => {
    const all = decisions(500);
    const { store, list, client } = setUp(all, 200);
    assert.equal(list.remaining, 300);
    await list.load(client);
    assert.equal(list.remaining, 100);

    const newer = decision({ id: '20000-0', at: at(1) });
    const leaving = all[199];
    assert.ok(leaving);
    const outcome = store.apply({
      seq: 2,
      changes: [
        { collection: 'decisions', key: newer.id, row: newer },
        { collection: 'decisions', key: leaving.id, row: null },
      ],
    });
    assert.ok(outcome.kind === 'applied');
    list.onRows(outcome.changes);

    const shown = list.rows().map(({ id }) => id);
    assert.deepEqual(shown, [newer.id, ...all.slice(0, 400).map(({ id }) => id)]);
    assert.equal(list.remaining, 100, 'what is older did not become more');
  });

  it('keeps what is shown while newer ones come, up to a bound', () => {
    const { store, list } = setUp(decisions(10_000), 200);
    const before = list.rows();
    for (let seq = 2; seq < 12; seq++) {
      come(store, list, seq, 150, 150);
      if (seq === 2) assert.deepEqual(list.rows().slice(150), before);
    }
    assert.equal(list.rows().length, 1_000);
    assert.equal(list.remaining, 9_000);
  });

  it('has no hole when more come at once than the agent sends', () => {
    const { store, list } = setUp(decisions(10_000), 200);
    come(store, list, 2, 150, 150);
    come(store, list, 3, 200, 200);
    assert.equal(list.rows().length, 200);
    assert.ok(list.rows().every(({ id }) => store.rows('decisions').has(id)));
  });

  it('forgets what a Redis had that was emptied', () => {
    const { store, list } = setUp(decisions(500), 200);
    const sent = [...store.rows('decisions').keys()];
    const outcome = store.apply({
      seq: 2,
      changes: [
        ...sent.map((key) => ({ collection: 'decisions', key, row: null }) as const),
        { collection: 'agent', key: 'agent', row: agentRow() },
      ],
    });
    assert.ok(outcome.kind === 'applied');
    list.onRows(outcome.changes);
    assert.deepEqual(list.rows(), []);
  });

  it('shows what matches, here and in what the agent has beyond', async () => {
    const all = decisions(500, (index) => (index % 10 === 0 ? { subject: 'sync_positions' } : {}));
    const { list, client, asked } = setUp(all, 200);
    list.setFilter({ subject: 'sync_positions' });
    assert.equal(list.rows().length, 20);
    await list.load(client);
    assert.deepEqual(asked[0], { subject: 'sync_positions', offset: 20, limit: 200 });
    assert.equal(list.rows().length, 50);
    assert.equal(list.remaining, 0);
    assert.ok(list.rows().every(({ subject }) => subject === 'sync_positions'));
    list.setFilter({});
    assert.equal(list.rows().length, 200);
    assert.equal(list.remaining, 300);
  });

  it('drops an answer to a filter that is no longer asked for', async () => {
    const { list, client } = setUp(decisions(500), 200);
    list.setFilter({ subject: 'chain_state_monitor' });
    const loading = list.load(client);
    list.setFilter({ outcome: 'refused' });
    await loading;
    assert.deepEqual(list.rows(), []);
  });
});

describe('the same answer several times in a row', () => {
  const refused = { outcome: 'already_running', reason: 'unique_key' } as const;
  const shape = (rows: ReturnType<DecisionRuns['of']>) =>
    rows.map((row) => (isRun(row) ? `${row.id} x${row.decisions.length}` : row.id));

  it('is one row, however often; two are two', () => {
    const [first, ...rest] = decisions(403, (index) => (index === 0 || index > 400 ? {} : refused));
    assert.ok(first);
    assert.deepEqual(shape(new DecisionRuns().of([first, ...rest])), [
      '10000-0',
      'run-9600-0 x400',
      '9599-0',
      '9598-0',
    ]);
  });

  it('does not join other keys, outcomes or subjects', () => {
    const mixed = decisions(9, (index) => ({ ...refused, key: `k${index % 3}` }));
    assert.equal(new DecisionRuns().of(mixed).length, 9);
  });

  it('keeps its id while newer ones join and older ones leave', () => {
    const runs = new DecisionRuns();
    const all = decisions(20, () => refused);
    const [before] = shape(runs.of(all.slice(5, 15)));
    assert.equal(before, 'run-9986-0 x10');
    assert.deepEqual(shape(runs.of(all.slice(0, 12))), ['run-9986-0 x12']);
    assert.deepEqual(shape(runs.of(all.slice(0, 8))), ['run-9986-0 x8']);
  });

  it('gives two rows two ids when one falls apart', () => {
    const runs = new DecisionRuns();
    const all = decisions(7, () => refused);
    runs.of(all);
    const apart = all.map((one, index) => (index === 3 ? { ...one, key: 'other' } : one));
    const ids = shape(runs.of(apart));
    assert.equal(ids.length, 3);
    assert.equal(new Set(ids).size, 3);
  });
});
