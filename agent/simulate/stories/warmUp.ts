import * as z from 'zod';
import type { Actor } from './actor.ts';
import type { Stage } from './stage.ts';

const QUEUE = 'default';

/**
 * Lets an agent run one job that is no part of the story: what takes long the first time is over then.
 * Every other agent of the story must be busy.
 */
export async function warmUp(
  stage: Stage,
  agent: Actor,
  type: string,
  key: Record<string, string> = {},
): Promise<void> {
  const answer = await agent.do('warmUp', { type, data: { ...key, warmsUp: true } });
  const job = stage.keys.job(QUEUE, z.string().parse(answer));
  await stage.poll(`${agent.name} to have run something`, async () =>
    (await stage.redis.hexists(job, 'finishedOn')) === 1 ? true : undefined,
  );
}
