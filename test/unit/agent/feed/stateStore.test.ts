import assert from 'node:assert/strict';
import fc from 'fast-check';
import { StateStore } from '../../../../agent/feed/stateStore.ts';
import type {
  LockRow,
  QueueRow,
  StateDelta,
  StateSnapshot,
} from '../../../../agent/protocol/model.ts';
import { ManualClock } from '../streams/manualClock.ts';

const queue = (name: string, waiting: number): QueueRow => ({
  ...{ name, paused: false, jobTypes: [] },
  counts: {
    ...{ waiting, active: 0, delayed: 0, prioritized: 0, completed: 0, failed: 0 },
    'waiting-children': 0,
  },
});

const lock = (changes: Partial<LockRow> = {}): LockRow => ({
  ...{ name: 'l', kind: 'stream', subject: 's', holder: null, fence: 1, job: null },
  ...{ acquiredAt: null, renewedAt: '1', ttlMs: 5_000, ageMs: 0, state: 'held' },
  ...changes,
});

function setup() {
  const clock = new ManualClock();
  const store = new StateStore(clock);
  const deltas: StateDelta[] = [];
  const end = store.subscribe((delta) => deltas.push(delta));
  return { clock, store, deltas, end };
}

/** What a client makes of a delta. */
function apply(state: StateSnapshot, delta: StateDelta): void {
  assert.equal(delta.seq, state.seq + 1, 'a gap');
  state.seq = delta.seq;
  for (const { collection, key, row } of delta.changes) {
    const rows: Record<string, unknown> = state[collection];
    if (row === null) Reflect.deleteProperty(rows, key);
    else rows[key] = row;
  }
}

describe('the state store', () => {
  it('sends changes together, under the next number', async () => {
    const { clock, store, deltas } = setup();
    store.set('queues', 'a', queue('a', 1));
    store.set('queues', 'b', queue('b', 1));
    assert.equal(deltas.length, 0);
    await clock.advance(1_000);
    store.set('queues', 'a', queue('a', 2));
    await clock.advance(1_000);
    assert.deepEqual(
      deltas.map(({ seq, changes }) => [seq, changes.map((change) => change.key)]),
      [
        [1, ['a', 'b']],
        [2, ['a']],
      ],
    );
  });

  it('sends only the last of several changes of one row', async () => {
    const { clock, store, deltas } = setup();
    for (const waiting of [1, 2, 3]) store.set('queues', 'a', queue('a', waiting));
    await clock.advance(1_000);
    const rows = deltas.flatMap((delta) => delta.changes.map((change) => change.row));
    assert.deepEqual(rows, [queue('a', 3)]);
  });

  it('sends nothing for a row that is as it was', async () => {
    const { clock, store, deltas } = setup();
    store.set('queues', 'a', queue('a', 1));
    await clock.advance(1_000);
    store.set('queues', 'a', queue('a', 1));
    store.replace('queues', new Map([['a', queue('a', 1)]]));
    await clock.advance(1_000);
    assert.equal(deltas.length, 1);
    assert.equal(store.snapshot().seq, 1);
  });

  it('counts no age and no TTL as news, but a renewal, and keeps the latest of them', async () => {
    const { clock, store, deltas } = setup();
    store.set('locks', 'l', lock());
    await clock.advance(1_000);
    store.set('locks', 'l', lock({ ageMs: 1_000, ttlMs: 4_000 }));
    await clock.advance(1_000);
    assert.equal(deltas.length, 1);
    assert.equal(store.snapshot().locks['l']?.ageMs, 1_000);
    store.set('locks', 'l', lock({ renewedAt: '2' }));
    await clock.advance(1_000);
    assert.equal(deltas.length, 2);
  });

  it('removes the rows that a replacement leaves out, under its prefix only', async () => {
    const { clock, store, deltas } = setup();
    for (const key of ['a/1', 'a/2', 'b/1']) store.set('queues', key, queue(key, 0));
    await clock.advance(1_000);
    store.replace('queues', new Map([['a/2', queue('a/2', 0)]]), 'a/');
    await clock.advance(1_000);
    assert.deepEqual(deltas[1]?.changes, [{ collection: 'queues', key: 'a/1', row: null }]);
    assert.deepEqual(Object.keys(store.snapshot().queues), ['a/2', 'b/1']);
  });

  it('sends what waits before it gives a snapshot, so that the next delta follows it', () => {
    const { store, deltas } = setup();
    store.set('queues', 'a', queue('a', 1));
    const snapshot = store.snapshot();
    assert.deepEqual([snapshot.seq, deltas.length], [1, 1]);
  });

  it('tells nothing more after the end of a subscription, nor after its own', async () => {
    const { clock, store, deltas, end } = setup();
    end();
    assert.equal(store.hasListeners, false);
    store.set('queues', 'a', queue('a', 1));
    await clock.advance(1_000);
    store.subscribe((delta) => deltas.push(delta));
    store.set('queues', 'a', queue('a', 2));
    store.close();
    await clock.advance(1_000);
    assert.equal(deltas.length, 0);
  });

  it('brings any client that began with a snapshot to the same state, without a gap', async () => {
    const key = fc.constantFrom('x/1', 'x/2', 'y/1', 'y/2');
    const rows = fc.dictionary(key, fc.nat(3));
    const step = fc.oneof(
      fc.record({ kind: fc.constant('set' as const), key, value: fc.nat(3) }),
      fc.record({
        kind: fc.constant('replace' as const),
        prefix: fc.constantFrom('', 'x/', 'y/'),
        rows,
      }),
      fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(150) }),
      fc.record({ kind: fc.constant('join' as const) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const clock = new ManualClock();
        const store = new StateStore(clock);
        const clients: StateSnapshot[] = [];
        for (const one of steps) {
          if (one.kind === 'set') store.set('queues', one.key, queue(one.key, one.value));
          if (one.kind === 'replace') {
            const given = Object.entries(one.rows).filter(([name]) => name.startsWith(one.prefix));
            store.replace('queues', new Map(given.map(([k, v]) => [k, queue(k, v)])), one.prefix);
          }
          if (one.kind === 'wait') await clock.advance(one.ms);
          if (one.kind === 'join') {
            const state = store.snapshot();
            store.subscribe((delta) => apply(state, delta));
            clients.push(state);
          }
        }
        await clock.advance(1_000);
        const fresh = store.snapshot();
        for (const client of clients) assert.deepEqual(client, fresh);
      }),
      { numRuns: 150 },
    );
  });
});
