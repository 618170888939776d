import * as z from 'zod';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { lookAt } from './lookAt.ts';
import { observe } from './observe.ts';
import { rejected } from './rejected.ts';
import { fetchFrom } from './services.ts';

const payload = z.object({
  network: z.string().min(1).default('mainnet'),
  /** A hook that is more blocks behind than that is stalled. */
  maxBehind: z.number().int().positive().default(20),
});

const answer = z.object({
  height: z.number().int(),
  hooks: z.array(z.object({ id: z.string(), lastBlock: z.number().int() })),
});

const seen = z.object({ stalled: z.array(z.string()) });

/** Finds the hooks that have stopped following the chain, and those that follow it again. */
export default async function chainhookMonitor(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const { network, maxBehind } = parsed.data;
  return lookAt(job, context, async () => {
    const url = `/chain/${encodeURIComponent(network)}/hooks`;
    const { height, hooks } = await fetchFrom(url, answer, context);
    const stalled = hooks.filter((hook) => height - hook.lastBlock > maxBehind).map(({ id }) => id);
    const subject = { monitor: 'chainhook_monitor', subject: network };
    const before = await observe(subject, seen, { stalled }, context);
    const recovered = (before?.stalled ?? []).filter((id) => !stalled.includes(id));
    const status = stalled.length === 0 ? 'healthy' : 'stalled';
    return { status, hooks: hooks.length, stalled, recovered };
  });
}
