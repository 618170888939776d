import * as z from 'zod';
import { inTransaction } from './marketDatabase.ts';
import { normalizeSymbol } from './normalizeSymbol.ts';

/** A batch of ticks, as a stream enqueues it. */
export const tickBatch = z.object({
  stream: z.string(),
  shard: z.number().int(),
  /** Of the lease under which the ticks were received: a later holder has a higher one. */
  fence: z.number().int(),
  /** Running number of the first tick in this batch; the others follow. */
  firstSeq: z.number().int(),
  lastSeq: z.number().int(),
  ticks: z.array(
    z.looseObject({
      symbol: z.string(),
      price: z.number(),
      seq: z.number().int().optional(),
      /** Milliseconds since the epoch. */
      ts: z.number().optional(),
    }),
  ),
});

export type TickBatch = z.infer<typeof tickBatch>;

export type StoreResult =
  | { status: 'stored'; ticks: number; symbols: number; outdated: number }
  | { status: 'stored_fallback'; ticks: number; why: string };

/**
 * What is older than the row it meets, by fence and then by running number, changes nothing. Only a
 * Redis that was emptied counts fences from 1 again: then the newer time of the tick decides.
 */
const UPSERT = `
  INSERT INTO ticker_price_data (symbol, feed_symbol, price, seq, ts, fence, running, ticks)
  VALUES (?, ?, ?, ?, ?, ?, ?, 1)
  ON CONFLICT (symbol) DO UPDATE SET
    feed_symbol = excluded.feed_symbol, price = excluded.price, seq = excluded.seq,
    ts = excluded.ts, fence = excluded.fence, running = excluded.running, ticks = ticks + 1
  WHERE (excluded.fence, excluded.running) > (ticker_price_data.fence, ticker_price_data.running)
    OR excluded.ts > ticker_price_data.ts
`;

/**
 * Stores a batch: the newest price of each symbol in `ticker_price_data` or, when that fails, every
 * tick as it came in `legacy_ticks`. Storing the same batch again changes nothing.
 * @throws when both tables fail; then the job is tried again
 */
export async function storeBatch(file: string, batch: TickBatch): Promise<StoreResult> {
  try {
    return await storePrimary(file, batch);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    await storeFallback(file, batch, why);
    return { status: 'stored_fallback', ticks: batch.ticks.length, why };
  }
}

function storePrimary(file: string, batch: TickBatch): Promise<StoreResult> {
  return inTransaction(file, (database) => {
    const upsert = database.prepare(UPSERT);
    try {
      const symbols = new Set<string>();
      let outdated = 0;
      for (const [index, tick] of batch.ticks.entries()) {
        const symbol = normalizeSymbol(tick.symbol);
        symbols.add(symbol);
        const { changes } = upsert.run([
          ...[symbol, tick.symbol, tick.price, tick.seq ?? null, tick.ts ?? null],
          ...[batch.fence, batch.firstSeq + index],
        ]);
        if (changes === 0) outdated += 1;
      }
      return { status: 'stored', ticks: batch.ticks.length, symbols: symbols.size, outdated };
    } finally {
      upsert.finalize();
    }
  });
}

function storeFallback(file: string, batch: TickBatch, why: string): Promise<void> {
  return inTransaction(file, (database) => {
    const insert = database.prepare(
      'INSERT OR IGNORE INTO legacy_ticks (stream, fence, running, raw, why) VALUES (?, ?, ?, ?, ?)',
    );
    try {
      for (const [index, tick] of batch.ticks.entries()) {
        const running = batch.firstSeq + index;
        insert.run([batch.stream, batch.fence, running, JSON.stringify(tick), why]);
      }
    } finally {
      insert.finalize();
    }
  });
}
