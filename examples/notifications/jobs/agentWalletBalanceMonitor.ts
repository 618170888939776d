import * as z from 'zod';
import type { HandlerContext, HandlerJob } from './interlock.ts';
import { lookAt } from './lookAt.ts';
import { observe } from './observe.ts';
import { rejected } from './rejected.ts';
import { fetchFrom } from './services.ts';

const payload = z.object({
  network: z.string().min(1).default('mainnet'),
  /** In whole coins. */
  minimum: z.number().nonnegative().default(10),
});

const answer = z.object({ wallets: z.array(z.object({ wallet: z.string(), coins: z.number() })) });

const seen = z.object({ low: z.array(z.string()) });

/** Tells which wallets run low, and which of them do so since the last look. */
export default async function agentWalletBalanceMonitor(job: HandlerJob, context: HandlerContext) {
  const parsed = payload.safeParse(job.data);
  if (!parsed.success) return rejected(parsed.error);
  const { network, minimum } = parsed.data;
  return lookAt(job, context, async () => {
    const url = `/chain/${encodeURIComponent(network)}/wallets`;
    const { wallets } = await fetchFrom(url, answer, context);
    const low = wallets.filter(({ coins }) => coins < minimum).map(({ wallet }) => wallet);
    const subject = { monitor: 'agent_wallet_balance_monitor', subject: network };
    const before = await observe(subject, seen, { low }, context);
    const newlyLow = low.filter((wallet) => before?.low.includes(wallet) !== true);
    for (const wallet of newlyLow) await context.log(`${wallet} has less than ${minimum} coins`);
    return { status: low.length === 0 ? 'enough' : 'low', wallets: wallets.length, low, newlyLow };
  });
}
