import assert from 'node:assert/strict';
import {
  alreadyRunningText,
  symbolsChangeText,
  underWayText,
} from '../../../../src/present/streamAnswers.ts';
import { at, decision, NOW_MS, plain, streamRow } from '../rows.ts';

describe('answers about streams', () => {
  it('say of one that runs who runs it, since when', () => {
    assert.equal(
      alreadyRunningText(streamRow({ startedAt: at(-12) }), NOW_MS, plain),
      'Stream nse is already running (devbox:4711 all, started 12 s ago).',
    );
    assert.equal(
      alreadyRunningText(streamRow({ holder: null, startedAt: null }), NOW_MS, plain),
      'Stream nse is already running.',
    );
  });

  it('say of a second click that the first is under way', () => {
    assert.equal(
      underWayText('Start Stream', 'nse', 400, plain),
      'Start Stream: nse is under way, asked just now.',
    );
    assert.match(underWayText('Start Stream', 'nse', 2_400, plain), /asked 2 s ago\.$/);
  });

  const change = (fields: Partial<Parameters<typeof symbolsChangeText>[0]>) => ({
    ...{ decision: decision(), changed: [], unchanged: [], cut: [], ...fields },
  });

  it('say what became of each symbol', () => {
    const unchanged = [{ symbol: 'C', why: 'subscribed already' }];
    const added = change({ changed: ['A', 'B'], unchanged, cut: ['D'] });
    assert.equal(
      symbolsChangeText(added, 'added', 'nse', plain),
      'Added 2 to nse: A, B. Unchanged: C (subscribed already). Cut off by maxSymbols: D.',
    );
    const removed = symbolsChangeText(change({ changed: ['A'] }), 'removed', 'nse', plain);
    assert.equal(removed, 'Removed 1 from nse: A.');
    assert.equal(symbolsChangeText(change({}), 'added', 'nse', plain), 'Nothing changed in nse.');
  });

  it('name the first of many', () => {
    const changed = Array.from({ length: 1_010 }, (_, index) => `S${index}`);
    const text = symbolsChangeText(change({ changed }), 'added', 'nse', plain);
    assert.match(text, /^Added 1,010 to nse: S0, .*S9 and 1,000 more\.$/);
  });
});
