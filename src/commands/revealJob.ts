import * as z from 'zod';
import { requests } from '../../agent/protocol/api.ts';
import { jobGroupKey, jobKey } from '../model/jobKey.ts';
import { remediesOf, type JobRef } from '../model/remedies.ts';
import { DecisionNode } from '../views/nodes/decisionNode.ts';
import { JobNode } from '../views/nodes/jobNode.ts';
import { LockNode } from '../views/nodes/lockNode.ts';
import type { CommandContext } from './commandContext.ts';
import { chooseJob } from './jobPicks.ts';

/** What a link says. */
const jobRef = z.object({ queue: z.string(), id: z.string() });

/** Selects a job in the Jobs view, also one that was not loaded yet. */
export async function revealJob(context: CommandContext, about: unknown): Promise<void> {
  const ref = jobRefOf(context, about) ?? (await chooseJob(context));
  if (ref === undefined) return;
  const known = context.data.store.rows('jobs').get(jobKey(ref));
  if (known !== undefined) return context.explorer.revealJob(known);
  const { id, queue } = ref;
  const row = await context.agent.client.request(requests.job, { id, queue });
  context.data.pages.add(jobGroupKey(row.queue, row.state), [row]);
  await context.explorer.revealJob(row);
}

/** The job that a row or a link is about. */
export function jobRefOf(context: CommandContext, about: unknown): JobRef | undefined {
  if (about instanceof JobNode) return { queue: about.queue, id: about.jobId };
  if (about instanceof LockNode) return about.lock?.job ?? undefined;
  if (about instanceof DecisionNode) {
    const { store, locks } = context.data;
    return about.decision && remediesOf(about.decision, store, locks).job;
  }
  return jobRef.safeParse(about).data;
}
