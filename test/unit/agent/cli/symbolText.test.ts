import assert from 'node:assert/strict';
import { styleFor } from '../../../../agent/cli/text/style.ts';
import { symbolsChangeText, symbolsText } from '../../../../agent/cli/text/symbolText.ts';
import { decision, isoBefore, NOW_MS } from './rows.ts';

const plain = styleFor(false, {});
const row = {
  ...{ symbol: 'NSE:TCS25JULFUT', name: 'tcs', shard: 3, ticks: 1_200, gaps: 2 },
  lastTickAt: isoBefore(3_000),
};
const changed = decision({
  ...{ action: 'change_symbols', subject: 'nse', key: 'stream:nse', jobId: null },
});

describe('symbols of a stream', () => {
  it('are listed with shard and figures, and what was cut off says so', () => {
    const cut = { ...row, symbol: 'NSE:INFY', shard: null, ticks: 0, lastTickAt: null };
    const [, first, second] = symbolsText({ rows: [row, cut], total: 2 }, NOW_MS, plain).split(
      '\n',
    );
    assert.match(first ?? '', /^NSE:TCS25JULFUT {2}tcs +3 +1,200 +2 {2}3 s ago$/);
    assert.match(second ?? '', /^NSE:INFY +tcs +cut off +0 +2 {2}-$/);
  });

  it('say how many there are beyond those shown', () => {
    const text = symbolsText({ rows: [row], total: 20_000 }, NOW_MS, plain);
    assert.match(text, /\n1 of 20,000 symbols; more with --limit N or --search TEXT$/);
    assert.doesNotMatch(symbolsText({ rows: [row], total: 1 }, NOW_MS, plain), /--limit/);
    assert.equal(symbolsText({ rows: [], total: 0 }, NOW_MS, plain), 'No symbol is like that.');
  });

  it('tell what became of each that was to be added', () => {
    const change = {
      ...{ decision: changed, changed: ['A', 'B'], cut: ['D'] },
      unchanged: [
        { symbol: 'C', why: 'subscribed already' },
        { symbol: 'E', why: 'subscribed already' },
      ],
    };
    assert.equal(
      symbolsChangeText(change, 'added', NOW_MS, plain),
      [
        'Changed the symbols of nse.',
        'added: A, B',
        'unchanged: C, E: subscribed already',
        'cut off by maxSymbols: D',
      ].join('\n'),
    );
  });

  it('name the first of very many', () => {
    const names = Array.from({ length: 1_020 }, (_, index) => `S${index}`);
    const text = symbolsChangeText(
      { decision: changed, changed: names, unchanged: [], cut: [] },
      'removed',
      NOW_MS,
      plain,
    );
    assert.match(text, /\nremoved: S0, .*S19 and 1,000 more$/);
  });
});
