import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { StateChange, StateDelta } from '../../../../agent/protocol/model.ts';
import { Store } from '../../../../src/model/store.ts';
import { jobRow, queueRow, snapshot } from '../rows.ts';

const setJob = (id: string, state: 'waiting' | 'active' | 'failed' = 'waiting'): StateChange => ({
  collection: 'jobs',
  key: `default/${id}`,
  row: jobRow({ id, state }),
});
const removeJob = (id: string): StateChange => ({
  collection: 'jobs',
  key: `default/${id}`,
  row: null,
});

describe('Store', () => {
  it('tells added, changed and removed rows of a delta', () => {
    const store = new Store();
    store.replace(snapshot(4, { jobs: { 'default/1': jobRow({ id: '1' }) } }));
    const outcome = store.apply({ seq: 5, changes: [removeJob('1'), setJob('2')] });
    assert.ok(outcome.kind === 'applied');
    assert.deepEqual([...outcome.changes.jobs.keys()], ['default/1', 'default/2']);
    assert.equal(outcome.changes.jobs.get('default/1')?.after, undefined);
    assert.equal(outcome.changes.jobs.get('default/2')?.before, undefined);
    assert.deepEqual([...store.rows('jobs').keys()], ['default/2']);
  });

  it('tells nothing about a row that was sent again as it is', () => {
    const store = new Store();
    store.replace(snapshot(0, { queues: { low: queueRow('low', { waiting: 1 }) } }));
    const same = store.apply({
      seq: 1,
      changes: [{ collection: 'queues', key: 'low', row: queueRow('low', { waiting: 1 }) }],
    });
    assert.deepEqual(same.kind === 'applied' && [...same.changes.queues.keys()], []);
  });

  it('notices a missing delta and leaves the rows as they are', () => {
    const store = new Store();
    store.replace(snapshot(4));
    assert.equal(store.apply({ seq: 6, changes: [setJob('1')] }).kind, 'gap');
    assert.equal(store.rows('jobs').size, 0);
  });

  it('ignores a delta that the snapshot already contains', () => {
    const store = new Store();
    store.replace(snapshot(4));
    assert.equal(store.apply({ seq: 4, changes: [setJob('1')] }).kind, 'ignored');
  });

  it('keeps deltas that come before the snapshot, and applies those after it', () => {
    const store = new Store();
    store.expectSnapshot();
    store.apply({ seq: 3, changes: [setJob('3')] });
    store.apply({ seq: 4, changes: [setJob('4')] });
    const { gap, changes } = store.replace(
      snapshot(3, { jobs: { 'default/3': jobRow({ id: '3' }) } }),
    );
    assert.equal(gap, false);
    assert.deepEqual([...store.rows('jobs').keys()], ['default/3', 'default/4']);
    assert.deepEqual([...changes.jobs.keys()], ['default/3', 'default/4']);
  });

  it('tells a gap between the snapshot and what came before it', () => {
    const store = new Store();
    store.expectSnapshot();
    store.apply({ seq: 9, changes: [setJob('9')] });
    assert.equal(store.replace(snapshot(3)).gap, true);
  });

  it('tells only what differs when a second snapshot comes', () => {
    const store = new Store();
    const jobs = { 'default/1': jobRow({ id: '1' }), 'default/2': jobRow({ id: '2' }) };
    store.replace(snapshot(1, { jobs }));
    const later = { 'default/1': jobRow({ id: '1' }), 'default/3': jobRow({ id: '3' }) };
    const { changes } = store.replace(snapshot(8, { jobs: later }));
    assert.deepEqual([...changes.jobs.keys()].sort(), ['default/2', 'default/3']);
  });

  it('forgets everything when it is cleared, and tells so', () => {
    const store = new Store();
    store.replace(snapshot(1, { jobs: { 'default/1': jobRow({ id: '1' }) } }));
    const changes = store.clear();
    assert.equal(changes.jobs.get('default/1')?.after, undefined);
    assert.equal(store.snapshot(), undefined);
    assert.equal(store.apply({ seq: 2, changes: [] }).kind, 'gap');
  });

  it('comes to the same rows by deltas as by a snapshot', () => {
    const id = fc.constantFrom('1', '2', '3');
    const change = fc.oneof(
      fc
        .tuple(id, fc.constantFrom('waiting' as const, 'active' as const))
        .map(([i, s]) => setJob(i, s)),
      id.map(removeJob),
    );
    fc.assert(
      fc.property(fc.array(fc.array(change)), (batches) => {
        const byDeltas = new Store();
        byDeltas.replace(snapshot(0));
        const deltas = batches.map((changes, index): StateDelta => ({ seq: index + 1, changes }));
        for (const delta of deltas) byDeltas.apply(delta);
        const bySnapshot = new Store();
        const whole = byDeltas.snapshot();
        assert.ok(whole !== undefined);
        bySnapshot.replace(whole);
        assert.deepEqual(bySnapshot.snapshot(), whole);
        assert.equal(whole.seq, batches.length);
      }),
    );
  });
});
