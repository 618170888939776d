import * as z from 'zod';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { MARKET_DATABASE } from './marketDatabase.ts';
import { storeBatch, tickBatch, type StoreResult } from './tickStore.ts';

/**
 * Stores a batch of ticks, and says how it went. It may run twice for one batch: the second time
 * changes nothing.
 * @throws when no table takes it; then the job is tried again, and at last it is there as a failed one
 */
export default async function storeTicks(
  job: HandlerJob,
  context: HandlerContext,
): Promise<StoreResult> {
  const batch = tickBatch.safeParse(job.data);
  // Trying again would not change it.
  if (!batch.success) return { status: 'rejected', why: z.prettifyError(batch.error) };
  const result = await storeBatch(MARKET_DATABASE, batch.data);
  if (result.status === 'stored_fallback') await context.log(`Fallback table: ${result.why}`);
  return result;
}
