import { setTimeout as delay } from 'node:timers/promises';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { inTransaction, MARKET_DATABASE } from './marketDatabase.ts';

const SECONDS = 45;

/** A long job: 45 seconds in which one can look at it, stop in it, or try to start a second one. */
export default async function marketReport(_job: HandlerJob, context: HandlerContext) {
  const rows = await inTransaction(MARKET_DATABASE, (database) =>
    database.all('SELECT symbol, price, ticks FROM ticker_price_data ORDER BY symbol'),
  );
  await context.log(`${rows.length} symbols to write about`);
  for (let second = 1; second <= SECONDS; second += 1) {
    const row = rows[second % Math.max(1, rows.length)];
    if (row !== undefined) await context.log(`Page ${second}: ${JSON.stringify(row)}`);
    await context.progress(Math.round((100 * second) / SECONDS));
    await delay(1_000, undefined, { signal: context.signal });
  }
  return { symbols: rows.length, pages: SECONDS };
}
