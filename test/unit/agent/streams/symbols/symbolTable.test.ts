import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SymbolTable } from '../../../../../agent/streams/symbols/symbolTable.ts';

const find = (table: SymbolTable, symbol: string) => {
  const bytes = Buffer.from(`"${symbol}"`);
  return table.find(bytes, 1, bytes.length - 1);
};

describe('the table of symbols', () => {
  it('gives back what is written there, also of more symbols than it keeps', () => {
    const table = new SymbolTable();
    for (let n = 0; n < 25_000; n += 1) assert.equal(find(table, `SYM${n}`), `SYM${n}`);
    for (let n = 0; n < 25_000; n += 7) assert.equal(find(table, `SYM${n}`), `SYM${n}`);
  });

  it('tells symbols apart whose hashes are the same', () => {
    const table = new SymbolTable();
    // "Aa" and "BB" have one hash, so all words made of them have.
    const words = Array.from({ length: 256 }, (_, n) =>
      n.toString(2).padStart(8, '0').replaceAll('0', 'Aa').replaceAll('1', 'BB'),
    );
    for (const word of [...words, ...words]) assert.equal(find(table, word), word);
  });

  it('knows any word', () => {
    const table = new SymbolTable();
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii' }), (word) => find(table, word) === word),
    );
  });
});
