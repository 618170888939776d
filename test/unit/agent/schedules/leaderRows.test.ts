import assert from 'node:assert/strict';
import { leaderRows, type LeaderNote } from '../../../../agent/schedules/leaderHistory.ts';
import { holder } from '../cli/rows.ts';

const began = (fence: number, formerDied = false): LeaderNote => ({
  ...{ kind: 'began', fence, formerDied, atMs: fence * 1_000, notedAtMs: fence * 1_000 },
  holder: holder({ pid: fence }),
});
const ended = (fence: number, notedAtMs: number): LeaderNote => ({
  kind: 'ended',
  fence,
  notedAtMs,
});
const untilOf = (untilMs: number) => new Date(untilMs).toISOString();
const rows = (notes: LeaderNote[], current: number | null, alive: boolean | null = true) =>
  leaderRows(notes.toReversed(), current, () => alive).map(({ fence, end, until }) => ({
    ...{ fence, end, until },
  }));

describe('the history of leaders', () => {
  it('tells who holds the lock, and that the one before gave it back', () => {
    assert.deepEqual(rows([began(1), ended(1, 4_000), began(5)], 5), [
      { fence: 5, end: 'holds', until: null },
      { fence: 1, end: 'released', until: untilOf(4_000) },
    ]);
  });

  it('tells that one died or lost it, and until when that was', () => {
    assert.deepEqual(rows([began(1), began(5, true), began(9)], 9), [
      { fence: 9, end: 'holds', until: null },
      { fence: 5, end: 'lost', until: untilOf(9_000) },
      { fence: 1, end: 'died', until: untilOf(5_000) },
    ]);
  });

  it('does not take the last one for the holder when the lock is gone, or its process', () => {
    assert.deepEqual(rows([began(1)], null), [{ fence: 1, end: 'lost', until: null }]);
    assert.deepEqual(rows([began(1)], 1, false), [{ fence: 1, end: 'died', until: null }]);
    assert.deepEqual(rows([began(1)], 1, null), [{ fence: 1, end: 'holds', until: null }]);
  });
});
