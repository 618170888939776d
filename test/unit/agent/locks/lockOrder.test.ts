import assert from 'node:assert/strict';
import { inOrder, matchesFilter } from '../../../../agent/locks/lockOrder.ts';
import { holder, lockRow, thresholds } from '../cli/rows.ts';

const MINUTE_MS = 60_000;
const job = { queue: 'default', id: 'j7', type: 'sync' };

describe('the order of locks', () => {
  it('begins with what needs a person, then goes by kind and name', () => {
    const run = (name: string, facts: Parameters<typeof lockRow>[0] = {}) =>
      lockRow({ name, kind: 'run', job, ageMs: 0, ...facts });
    const rows = [
      lockRow({ name: 'dedup:b', kind: 'dedup', job, ageMs: 900 * MINUTE_MS }),
      lockRow({ name: 'dedup:a', kind: 'dedup', job }),
      lockRow({ name: 'watched:x', kind: 'watched', ageMs: null }),
      run('job:1', { kind: 'job' }),
      run('run:1'),
      lockRow({ name: 'stream:b', kind: 'stream', ageMs: 900 * MINUTE_MS }),
      lockRow({ name: 'stream:a', kind: 'stream' }),
      lockRow({ name: 'scheduler:global_lock' }),
      run('run:paused', { state: 'paused' }),
      run('run:expiring', { state: 'expiring' }),
      run('run:31 min', { ageMs: 31 * MINUTE_MS }),
      run('run:56 min', { ageMs: 56 * MINUTE_MS }),
      lockRow({ name: 'dedup:orphan', kind: 'dedup', job, state: 'orphaned' }),
      lockRow({ name: 'stream:dead', kind: 'stream', state: 'holder_dead' }),
    ];
    const expected = [
      ...['stream:dead', 'dedup:orphan', 'run:56 min', 'run:31 min', 'run:expiring', 'run:paused'],
      ...['scheduler:global_lock', 'stream:a', 'stream:b', 'run:1', 'job:1', 'watched:x'],
      ...['dedup:a', 'dedup:b'],
    ];
    assert.deepEqual(
      inOrder(rows, thresholds).map(({ name }) => name),
      expected,
    );
  });
});

describe('the filter of locks', () => {
  const row = lockRow({ name: 'run:default/j7', kind: 'run', subject: 'sync [Mainnet]', job });

  it('finds a text in name, subject, job and holder, whatever its case', () => {
    for (const search of ['RUN:', 'mainnet', 'j7', 'devbox:4711', 'a1'])
      assert.equal(matchesFilter(row, { search }), true, search);
    assert.equal(matchesFilter(row, { search: 'other' }), false);
    assert.equal(matchesFilter(lockRow({ holder: null }), { search: 'devbox' }), false);
    assert.equal(
      matchesFilter(lockRow({ holder: holder({ host: 'x' }) }), { search: 'x:47' }),
      true,
    );
  });

  it('knows a kind and an age; a lock of unknown age is never older', () => {
    assert.equal(matchesFilter(row, { kind: 'run' }), true);
    assert.equal(matchesFilter(row, { kind: 'job' }), false);
    assert.equal(matchesFilter(lockRow({ ageMs: 1_001 }), { olderThanMs: 1_000 }), true);
    assert.equal(matchesFilter(lockRow({ ageMs: 1_000 }), { olderThanMs: 1_000 }), false);
    assert.equal(matchesFilter(lockRow({ ageMs: null }), { olderThanMs: 0 }), false);
  });
});
