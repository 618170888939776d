import assert from 'node:assert/strict';
import { symbolNames } from '../../../../agent/common/symbolNames.ts';

describe('names of symbols in a text', () => {
  it('are parted by commas or blanks, each once', () => {
    assert.deepEqual(symbolNames(' NSE:TCS, NSE:INFY\nNSE:TCS,,BTC/USDT '), [
      'NSE:TCS',
      'NSE:INFY',
      'BTC/USDT',
    ]);
    assert.deepEqual(symbolNames(' , '), []);
  });
});
