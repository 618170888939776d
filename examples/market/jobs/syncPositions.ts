import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import type { HandlerContext, HandlerJob } from './interlock.ts';

const payload = z.object({ account: z.string() });

/** The broker of this example is away in the first seconds of each minute. */
const BROKER_AWAY_UNTIL_SECOND = 20;

/** Fails while the broker is away. Requeue the failed job later in the minute: it succeeds. */
export default async function syncPositions(job: HandlerJob, context: HandlerContext) {
  const { account } = payload.parse(job.data);
  await context.log(`Account ${account}, try ${job.attempt}`);
  await delay(200, undefined, { signal: context.signal });
  const second = new Date().getSeconds();
  if (second < BROKER_AWAY_UNTIL_SECOND) {
    throw new Error(
      `The broker is away for ${BROKER_AWAY_UNTIL_SECOND - second} more seconds of this minute`,
    );
  }
  return { account, positions: 3 };
}
