import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import * as z from 'zod';
import type { HandlerContext, HandlerJob } from './interlock.ts';

const payload = z.object({ network: z.string() });

const STEPS = 10;
const STEP_MS = 300;
const HASHES_PER_STEP = 2_000;

/** Follows the chain of one network for about three seconds. Two at a time would be one too many. */
export default async function chainStateMonitor(job: HandlerJob, context: HandlerContext) {
  const { network } = payload.parse(job.data);
  await context.log(`Looking at ${network}, with fencing token ${context.fence}`);
  let head = network;
  for (let step = 1; step <= STEPS; step += 1) {
    head = nextBlock(head);
    await context.progress(Math.round((100 * step) / STEPS));
    // The signal aborts when the lease is lost, or when the agent stops: then this throws.
    await delay(STEP_MS, undefined, { signal: context.signal });
  }
  await context.log(`The head of ${network} is ${head.slice(0, 12)}`);
  return { network, head, blocks: STEPS };
}

function nextBlock(head: string): string {
  let hash = head;
  for (let round = 0; round < HASHES_PER_STEP; round += 1) {
    hash = createHash('sha256').update(hash).digest('hex');
  }
  return hash;
}
