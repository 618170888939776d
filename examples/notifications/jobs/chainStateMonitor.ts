import * as z from 'zod';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { lookAt } from './lookAt.ts';
import { observe } from './observe.ts';
import { rejected } from './rejected.ts';
import { fetchFrom } from './services.ts';

const payload = z.object({ network: z.string().min(1).default('mainnet') });

const block = z.object({ height: z.number().int(), hash: z.string() });

/** Follows the head of a chain: how far it went since the last look, and whether it went back. */
export default async function chainStateMonitor(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const { network } = parsed.data;
  return lookAt(job, context, async () => {
    const url = `/chain/${encodeURIComponent(network)}/blocks/latest`;
    const head = await fetchFrom(url, block, context);
    const subject = { monitor: 'chain_state_monitor', subject: network };
    const before = await observe(subject, block, head, context);
    return { ...compare(before, head), network, height: head.height };
  });
}

function compare(before: z.infer<typeof block> | undefined, head: z.infer<typeof block>) {
  if (before === undefined) return { status: 'first_look', blocks: 0 };
  const blocks = head.height - before.height;
  if (blocks > 0) return { status: 'advanced', blocks };
  // The same height with another hash is a block that was replaced.
  return { status: head.hash === before.hash ? 'unchanged' : 'went_back', blocks };
}
