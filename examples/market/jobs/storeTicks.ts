import type { HandlerContext, HandlerJob } from './interlock.ts';
import { MARKET_DATABASE } from './marketDatabase.ts';
import { storeBatch, tickBatch, type StoreResult } from './tickStore.ts';

/** Stores a batch of ticks. It may run twice for one batch: the second time changes nothing. */
export default async function storeTicks(
  job: HandlerJob,
  context: HandlerContext,
): Promise<StoreResult> {
  const result = await storeBatch(MARKET_DATABASE, tickBatch.parse(job.data));
  if (result.status === 'stored_fallback') await context.log(`Fallback table: ${result.why}`);
  return result;
}
