import assert from 'node:assert/strict';
import fc from 'fast-check';
import { normaliseSymbol } from '../../../../agent/streams/symbols/normaliseSymbol.ts';
import { normalizeSymbol as ofTheExample } from '../../../../examples/market/jobs/normalizeSymbol.ts';

const NAMES: [symbol: string, name: string][] = [
  ['NSE:RELIANCE25JULFUT', 'reliance'],
  ['NSE:BANKNIFTY25DECFUT', 'banknifty'],
  ['NFO:NIFTY25JUL', 'nifty'],
  ['NFO:RELIANCE25JUL2500CE', 'reliance'],
  ['NFO:NIFTY25JUL24500CE', 'nifty'],
  ['NFO:NIFTY25JUL24500.5PE', 'nifty'],
  ['NFO:NIFTY2571724500PE', 'nifty'],
  ['NFO:NIFTY25O0724500CE', 'nifty'],
  ['BFO:SENSEX25717FUT', 'sensex'],
  ['NSE:TCS-EQ', 'tcs'],
  ['BSE:IDEA-BE', 'idea'],
  ['NSE:M&M25JULFUT', 'm&m'],
  ['NSE:BAJAJ-AUTO25JULFUT', 'bajaj-auto'],
  ['NSE:BAJAJ-AUTO-EQ', 'bajaj-auto'],
  ['NSE:360ONE25JULFUT', '360one'],
  ['RELIANCE', 'reliance'],
  ['NIFTY 50', 'nifty 50'],
  [' nse:infy25julfut ', 'infy'],
  ['nse: infy ', 'infy'],
  // A name may look like a part of a contract.
  ['NSE:FORCE', 'force'],
  ['NSE:ABC25717', 'abc25717'],
  ['NSE:ABC2574524500CE', 'abc2574524500ce'],
  ['BSE:500325', '500325'],
  // Crypto.
  ['BTCUSDT', 'btcusdt'],
  ['BINANCE:BTCUSDT', 'btcusdt'],
  ['BTC/USDT', 'btc/usdt'],
  ['BTC-USDT', 'btc-usdt'],
  ['BTC-PERP', 'btc-perp'],
  ['BTC-UP', 'btc-up'],
  ['BTC-25JUL', 'btc-25jul'],
  ['BTC-25JUL25', 'btc-25jul25'],
  ['BTCUSDT_250926', 'btcusdt_250926'],
  ['1000SATSUSDT', '1000satsusdt'],
  // Nothing but a contract, a series or an exchange.
  ['NSE:25JULFUT', '25julfut'],
  ['-EQ', '-eq'],
  ['NSE:', 'nse:'],
  ['  ', '  '],
  ['', ''],
];

describe('the name of a symbol', () => {
  for (const [symbol, name] of NAMES) {
    it(`"${symbol}" is "${name}"`, () => assert.equal(normaliseSymbol(symbol), name));
  }

  it('is never empty, and the same for upper and lower case', () => {
    const part = fc.constantFrom(
      ...[
        'NSE:',
        ':',
        ' ',
        '-',
        'RELIANCE',
        'BTC',
        'USDT',
        '/',
        '25JUL',
        '25717',
        '2500',
        '24500.5',
      ],
      ...['FUT', 'CE', 'PE', '-EQ', '-BE', '-PERP', '9', 'ß'],
    );
    const symbol = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(symbol, (text) => {
        const name = normaliseSymbol(text);
        assert.notEqual(name, '');
        assert.equal(name, name.toLowerCase());
        assert.equal(normaliseSymbol(text.toLowerCase()), name);
      }),
    );
  });

  it('is the same in the example, which keeps a copy for its database', () => {
    for (const [symbol] of NAMES)
      assert.equal(ofTheExample(symbol), normaliseSymbol(symbol), symbol);
    fc.assert(
      fc.property(fc.string(), (text) => assert.equal(ofTheExample(text), normaliseSymbol(text))),
    );
  });
});
