import * as z from 'zod';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { lookAt } from './lookAt.ts';
import { observe } from './observe.ts';
import { rejected } from './rejected.ts';
import { fetchFrom } from './services.ts';

const payload = z.object({
  network: z.string().min(1).default('mainnet'),
  token: z.string().min(1).default('dao'),
});

type Payload = z.infer<typeof payload>;

const page = z.object({ holders: z.array(z.string()), pages: z.number().int().positive() });

const seen = z.object({ holders: z.array(z.string()) });

/** Who holds the token of a DAO, page by page: how many, who came and who left. */
export default async function daoTokenHoldersMonitor(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const { network, token } = parsed.data;
  return lookAt(job, context, async () => {
    const holders = await allHolders(parsed.data, context);
    const subject = { monitor: 'dao_token_holders_monitor', subject: `${network}/${token}` };
    const before = await observe(subject, seen, { holders }, context);
    const known = before?.holders ?? holders;
    const joined = holders.filter((holder) => !known.includes(holder)).length;
    const left = known.filter((holder) => !holders.includes(holder)).length;
    return { status: 'counted', holders: holders.length, joined, left };
  });
}

async function allHolders({ network, token }: Payload, context: HandlerContext) {
  const base = `/chain/${encodeURIComponent(network)}/tokens/${encodeURIComponent(token)}/holders`;
  const holders = new Set<string>();
  for (let number = 1, pages = 1; number <= pages; number += 1) {
    const fetched = await fetchFrom(`${base}?page=${number}`, page, context);
    pages = fetched.pages;
    for (const holder of fetched.holders) holders.add(holder);
    await context.progress(Math.round((100 * number) / pages));
  }
  return [...holders];
}
