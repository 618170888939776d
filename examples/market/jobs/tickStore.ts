import * as z from 'zod';
import { inTransaction } from './marketDatabase.ts';
import { normalizeSymbol } from './normalizeSymbol.ts';

/** A batch of ticks, as a stream enqueues it. */
export const tickBatch = z.object({
  stream: z.string(),
  shard: z.number().int(),
  /** Of the lease of the shard: a later holder of it has a higher one. */
  fence: z.number().int(),
  /** Running number of the first tick in this batch, of its shard and run; the others follow. */
  firstSeq: z.number().int(),
  lastSeq: z.number().int(),
  ticks: z.array(
    z.looseObject({
      symbol: z.string(),
      price: z.number(),
      seq: z.number().int().optional(),
      /** Milliseconds since the epoch, or a text such as 2026-01-31T09:15:00Z. */
      ts: z.union([z.number(), z.string()]).optional(),
    }),
  ),
});

export type TickBatch = z.infer<typeof tickBatch>;

export type StoreResult =
  | { status: 'stored'; ticks: number; symbols: number; outdated: number }
  | { status: 'stored_fallback'; ticks: number; why: string }
  | { status: 'rejected'; why: string };

/**
 * What is older than the row it meets changes nothing.
 *
 * Within a shard the fence tells, and then the running number: both only grow, also over a Redis that
 * lost its data, because a fence is never below Redis' time. Between shards they tell nothing. A symbol
 * can move to a shard whose lease is older, and so has a lower fence: by fence its price would stand
 * still from then on. There the feed's own time and number of the tick decide. A feed that gives
 * neither has no order between shards: then what comes last stays, until the next tick.
 */
const UPSERT = `
  INSERT INTO ticker_price_data AS old
    (symbol, feed_symbol, price, seq, ts, stream, shard, fence, running, ticks)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 1)
  ON CONFLICT (symbol) DO UPDATE SET
    feed_symbol = excluded.feed_symbol, price = excluded.price, seq = excluded.seq,
    ts = excluded.ts, stream = excluded.stream, shard = excluded.shard, fence = excluded.fence,
    running = excluded.running, ticks = ticks + 1
  WHERE CASE
    WHEN (excluded.stream, excluded.shard) = (old.stream, old.shard)
      THEN (excluded.fence, excluded.running) > (old.fence, old.running)
    WHEN excluded.ts <> old.ts THEN excluded.ts > old.ts
    WHEN excluded.seq <> old.seq THEN excluded.seq > old.seq
    -- The same tick once more, from the shard that had the symbol before.
    ELSE (excluded.ts = old.ts) IS NOT TRUE AND (excluded.seq = old.seq) IS NOT TRUE
  END
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

/** Milliseconds since the epoch; null when there is no time, or none that can be read. */
function timeOf(ts: number | string | undefined): number | null {
  const ms = typeof ts === 'string' ? Date.parse(ts) : Math.trunc(ts ?? NaN);
  return Number.isNaN(ms) ? null : ms;
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
          ...[symbol, tick.symbol, tick.price, tick.seq ?? null, timeOf(tick.ts)],
          ...[batch.stream, batch.shard, batch.fence, batch.firstSeq + index],
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
      'INSERT OR IGNORE INTO legacy_ticks (stream, shard, fence, running, raw, why) VALUES (?, ?, ?, ?, ?, ?)',
    );
    try {
      for (const [index, tick] of batch.ticks.entries()) {
        const running = batch.firstSeq + index;
        const { stream, shard, fence } = batch;
        insert.run([stream, shard, fence, running, JSON.stringify(tick), why]);
      }
    } finally {
      insert.finalize();
    }
  });
}
