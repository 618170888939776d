import assert from 'node:assert/strict';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Database } from 'node-sqlite3-wasm';
import storeTicks from '../../../examples/market/jobs/storeTicks.ts';
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

  it('refuses it also when its ticks claim to be newer', async () => {
    const tick = (price: number, ts: number) => ({ symbol: 'NSE:TCS25JULFUT', price, ts });
    await storeBatch(file, batch([], { fence: 2, ticks: [tick(20, 1_000)] }));
    await storeBatch(file, batch([], { fence: 1, firstSeq: 50, ticks: [tick(99, 2_000)] }));
    assert.deepEqual(all('SELECT price, fence FROM ticker_price_data'), [{ price: 20, fence: 2 }]);
  });

  describe('when a symbol moves to another shard, whose lease may be older', () => {
    const from = { shard: 0, fence: 200, firstSeq: 5_000 };
    const to = { shard: 1, fence: 100, firstSeq: 7 };
    const price = () => all('SELECT price, shard FROM ticker_price_data')[0];
    const tick = (more: object) => ({ symbol: 'NSE:TCS25JULFUT', price: 1, ...more });

    it('goes by the time of the ticks', async () => {
      const at = (value: number, ts: number | string) => [tick({ price: value, ts })];
      await storeBatch(file, batch([], { ...from, ticks: at(20, 1_000) }));
      await storeBatch(file, batch([], { ...to, ticks: at(21, 2_000) }));
      assert.deepEqual(price(), { price: 21, shard: 1 });
      await storeBatch(file, batch([], { ...from, firstSeq: 5_001, ticks: at(19, 1_500) }));
      assert.deepEqual(price(), { price: 21, shard: 1 }, 'a late batch of the old shard');
      await storeBatch(file, batch([], { ...from, firstSeq: 5_002, ticks: at(21, 2_000) }));
      assert.deepEqual(price(), { price: 21, shard: 1 }, 'the same tick from the old shard');
      const text = new Date(3_000).toISOString();
      await storeBatch(file, batch([], { ...to, firstSeq: 8, ticks: at(22, text) }));
      assert.deepEqual(price(), { price: 22, shard: 1 });
    });

    it('goes by their numbers where they have no time', async () => {
      const at = (value: number, seq: number) => [tick({ price: value, seq })];
      await storeBatch(file, batch([], { ...from, ticks: at(20, 10) }));
      await storeBatch(file, batch([], { ...to, ticks: at(21, 11) }));
      await storeBatch(file, batch([], { ...from, firstSeq: 5_001, ticks: at(20, 11) }));
      await storeBatch(file, batch([], { ...from, firstSeq: 5_002, ticks: at(19, 9) }));
      assert.deepEqual(price(), { price: 21, shard: 1 });
    });

    it('never stands still where they have neither', async () => {
      await storeBatch(file, batch([], { ...from, ticks: [tick({ price: 20 })] }));
      await storeBatch(file, batch([], { ...to, ticks: [tick({ price: 21 })] }));
      assert.deepEqual(price(), { price: 21, shard: 1 });
    });
  });

  it('brings a database of an earlier version up to date, with what is in it', async () => {
    mkdirSync(path.dirname(file), { recursive: true });
    const old = new Database(file);
    old.exec(`
      CREATE TABLE ticker_price_data (symbol TEXT PRIMARY KEY, feed_symbol TEXT NOT NULL,
        price REAL NOT NULL CHECK (price > 0), seq INTEGER, ts INTEGER, fence INTEGER NOT NULL,
        running INTEGER NOT NULL, ticks INTEGER NOT NULL);
      CREATE TABLE legacy_ticks (stream TEXT NOT NULL, fence INTEGER NOT NULL,
        running INTEGER NOT NULL, raw TEXT NOT NULL, why TEXT NOT NULL,
        PRIMARY KEY (stream, fence, running));
      INSERT INTO ticker_price_data VALUES ('tcs', 'NSE:TCS', 10, 0, 1, 1, 1, 5);
      INSERT INTO legacy_ticks VALUES ('nse', 1, 1, '{}', 'why');
    `);
    old.close();
    for (let times = 0; times < 2; times += 1) {
      const { status } = await storeBatch(file, batch([11], { fence: 2, firstSeq: 1 + times }));
      assert.equal(status, 'stored');
    }
    const rows = all('SELECT price, ticks, stream, shard FROM ticker_price_data');
    assert.deepEqual(rows, [{ price: 11, ticks: 7, stream: 'nse', shard: 0 }]);
    assert.deepEqual(all('SELECT stream, shard, raw FROM legacy_ticks'), [
      { stream: 'nse', shard: 0, raw: '{}' },
    ]);
  });

  it('says so when it gets what is no batch: trying again would not help', async () => {
    const job = { id: '1', type: 'store_ticks', queue: 'websocket_data', data: { stream: 'nse' } };
    const nothing = () => Promise.reject(new Error('not asked for'));
    const result = await storeTicks(
      { ...job, attempt: 1, enqueuedAt: new Date(0) },
      {
        ...{ signal: new AbortController().signal, fence: 1, isReplay: false },
        ...{ log: nothing, progress: nothing, enqueue: nothing },
      },
    );
    assert.equal(result.status, 'rejected');
    assert.match('why' in result ? result.why : '', /ticks/);
  });

  it('stores a batch without ticks', async () => {
    const result = await storeBatch(file, batch([]));
    assert.deepEqual(result, { status: 'stored', ticks: 0, symbols: 0, outdated: 0 });
  });

  it('keeps every tick in the fallback table when the first one refuses the batch', async () => {
    for (let times = 0; times < 2; times += 1) {
      const result = await storeBatch(file, batch([10, -1]));
      assert.equal(result.status, 'stored_fallback');
      assert.match('why' in result ? result.why : '', /CHECK constraint failed/);
    }
    assert.deepEqual(all('SELECT count(*) AS n FROM ticker_price_data'), [{ n: 0 }]);
    assert.deepEqual(all('SELECT running FROM legacy_ticks'), [{ running: 1 }, { running: 2 }]);
    // Another shard counts for itself.
    await storeBatch(file, batch([10, -1], { shard: 1 }));
    assert.equal(all('SELECT running FROM legacy_ticks').length, 4);
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
  });
});
