import assert from 'node:assert/strict';
import { normalizeSymbol } from '../../../examples/market/jobs/normalizeSymbol.ts';

describe('the name of a symbol', () => {
  const cases: [string, string][] = [
    ['NSE:RELIANCE25JULFUT', 'reliance'],
    ['NSE:BANKNIFTY25DECFUT', 'banknifty'],
    ['NFO:NIFTY25JUL24500CE', 'nifty'],
    ['NFO:NIFTY25JUL24500.5PE', 'nifty'],
    ['NFO:NIFTY2572424500PE', 'nifty'],
    ['NSE:TCS-EQ', 'tcs'],
    ['NSE:M&M25JULFUT', 'm&m'],
    ['NSE:BAJAJ-AUTO25JULFUT', 'bajaj-auto'],
    ['NSE:360ONE25JULFUT', '360one'],
    ['RELIANCE', 'reliance'],
    [' nse:infy25julfut ', 'infy'],
    ['NSE:25JULFUT', '25julfut'],
  ];
  for (const [symbol, name] of cases) {
    it(`${symbol} is ${name}`, () => assert.equal(normalizeSymbol(symbol), name));
  }
});
