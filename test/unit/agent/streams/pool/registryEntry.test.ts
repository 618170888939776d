import assert from 'node:assert/strict';
import {
  entryText,
  isRunning,
  readEntry,
  type OwnEntry,
} from '../../../../../agent/streams/pool/registryEntry.ts';
import { connectionRow, holder } from '../../cli/rows.ts';

const FENCE = 1_769_850_900_123_456;

const own: OwnEntry = {
  ...{ shard: 3, holder: holder(), fence: FENCE, startedAtMs: 1, status: 'live' },
  row: connectionRow({ shard: 3, symbols: [] }),
};
/** As `writeStreamEntries.lua` makes it. */
const text = entryText(own).replace('{', '{"heartbeatMs":5000,');

describe('an entry of the stream registry', () => {
  it('is read as it was written', () => {
    assert.deepEqual(readEntry('3', text), { ...own, heartbeatMs: 5_000 });
  });

  it('has its fence where the scripts look for it', () => {
    assert.match(text, new RegExp(`^{"heartbeatMs":5000,"fence":${FENCE},`));
  });

  it('is none of another shard, or when anything is wrong', () => {
    const wrong = [
      ...['', '{', 'null', '[]', '{}', entryText(own)],
      ...[
        text.replace('"live"', '"asleep"'),
        text.replace('5000', '-1'),
        text.replace('5000', '9e15'),
      ],
    ];
    for (const one of wrong) assert.equal(readEntry('3', one), undefined, one);
    for (const shard of ['4', '03', '3 ', '']) assert.equal(readEntry(shard, text), undefined);
  });

  it('runs while its heartbeat is younger than the limit', () => {
    const entry = readEntry('3', text);
    assert.ok(entry !== undefined);
    assert.equal(isRunning(entry, 5_099, 100), true);
    assert.equal(isRunning(entry, 5_100, 100), false);
    assert.equal(isRunning(entry, 4_000, 100), true, 'a clock that went back');
  });
});
