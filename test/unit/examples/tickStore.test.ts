import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Database } from 'node-sqlite3-wasm';
import { storeBatch, type TickBatch } from '../../../examples/market/jobs/tickStore.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../harness/temporaryFolder.ts';

/** Above the largest process id of Linux: there is no such process. */
const DEAD_PID = 4_194_400;

const batch = (prices: number[], facts: Partial<TickBatch> = {}): TickBatch => ({
  ...{ stream: 'nse', shard: 0, fence: 1, firstSeq: 1, lastSeq: prices.length },
  ticks: prices.map((price, index) => ({ symbol: 'NSE:TCS25JULFUT', price, seq: index + 1 })),
  ...facts,
});

describe('the tick store of the example', () => {
  let folder: TemporaryFolder;
  let file: string;

  beforeEach(() => {
    folder = makeTemporaryFolder();
    file = path.join(folder.path, 'data', 'market.db');
  });
  afterEach(() => folder.remove());

  const all = (sql: string) => {
    const database = new Database(file);
    try {
      return database.all(sql);
    } finally {
      database.close();
    }
  };

  it('keeps the newest price under the normalised name', async () => {
    const result = await storeBatch(file, batch([10, 11, 12]));
    assert.deepEqual(result, { status: 'stored', ticks: 3, symbols: 1, outdated: 0 });
    const rows = all('SELECT symbol, feed_symbol, price, ticks FROM ticker_price_data');
    const row = { symbol: 'tcs', feed_symbol: 'NSE:TCS25JULFUT', price: 12, ticks: 3 };
    assert.deepEqual(rows, [row]);
  });

  it('does nothing the second time', async () => {
    await storeBatch(file, batch([10, 11, 12]));
    const again = await storeBatch(file, batch([10, 11, 12]));
    assert.deepEqual(again, { status: 'stored', ticks: 3, symbols: 1, outdated: 3 });
    assert.deepEqual(all('SELECT price, ticks FROM ticker_price_data'), [{ price: 12, ticks: 3 }]);
  });

  it('refuses what an earlier holder of the stream still sends', async () => {
    await storeBatch(file, batch([20], { fence: 2 }));
    await storeBatch(file, batch([99], { fence: 1, firstSeq: 5_000, lastSeq: 5_000 }));
    assert.deepEqual(all('SELECT price, fence FROM ticker_price_data'), [{ price: 20, fence: 2 }]);
  });

  it('goes by the time of the ticks when a new Redis counts fences anew', async () => {
    const tick = (price: number, ts: number) => ({ symbol: 'NSE:TCS25JULFUT', price, ts });
    await storeBatch(file, batch([], { fence: 9, ticks: [tick(20, 2_000)] }));
    await storeBatch(file, batch([], { fence: 1, ticks: [tick(19, 1_000)] }));
    assert.deepEqual(all('SELECT price, fence FROM ticker_price_data'), [{ price: 20, fence: 9 }]);
    await storeBatch(file, batch([], { fence: 1, ticks: [tick(21, 3_000)] }));
    assert.deepEqual(all('SELECT price, fence FROM ticker_price_data'), [{ price: 21, fence: 1 }]);
  });

  it('keeps every tick in the fallback table when the first one refuses the batch', async () => {
    for (let times = 0; times < 2; times += 1) {
      const result = await storeBatch(file, batch([10, -1]));
      assert.equal(result.status, 'stored_fallback');
      assert.match('why' in result ? result.why : '', /CHECK constraint failed/);
    }
    assert.deepEqual(all('SELECT count(*) AS n FROM ticker_price_data'), [{ n: 0 }]);
    assert.deepEqual(all('SELECT running FROM legacy_ticks'), [{ running: 1 }, { running: 2 }]);
  });

  it('goes on after a process was killed in the middle', async () => {
    await storeBatch(file, batch([10]));
    mkdirSync(`${file}.lock`);
    writeFileSync(path.join(path.dirname(file), `user-${DEAD_PID}`), '');
    assert.equal((await storeBatch(file, batch([11], { firstSeq: 2 }))).status, 'stored');
    assert.equal(existsSync(`${file}.lock`), false);
  });

  it('does not take the lock of a process that lives', async () => {
    await storeBatch(file, batch([10]));
    mkdirSync(`${file}.lock`);
    writeFileSync(path.join(path.dirname(file), `user-${process.ppid}`), '');
    await assert.rejects(storeBatch(file, batch([11], { firstSeq: 2 })), /locked/);
  }).timeout(20_000);
});
