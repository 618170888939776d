import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { HandlerContext, HandlerJob } from '../../../agent/handlers/handlerContext.ts';
import { connectResource } from './resourceClient.ts';

interface Work {
  n?: number;
  key?: string;
  workMs?: number;
  steps?: number;
  stubborn?: boolean;
  fails?: number;
}

const send = connectResource(Number(process.env['INTERLOCK_FAULT_RESOURCE']));

/** Types whose key is in the payload; the others have one run for each job. */
const KEYED = ['keyed', 'slot'];

/** Changes the resource at its start, in steps and at its end, each time with its token. */
export default async function work(job: HandlerJob<Work>, ctx: HandlerContext): Promise<unknown> {
  const { data } = job;
  const { workMs = 50, steps = 1, stubborn = false, fails = 0 } = data;
  const run = `${process.pid}-${randomUUID().slice(0, 8)}`;
  const who = {
    ...{ run, jobId: job.id, type: job.type, n: data.n ?? null, attempt: job.attempt },
    ...{ key: `${job.type}/${KEYED.includes(job.type) ? (data.key ?? '') : job.id}` },
    fence: ctx.fence,
  };
  const effect = async (kind: 'start' | 'step' | 'end') => {
    const accepted = await send({ ...who, kind });
    if (!accepted) throw new Error(`the resource refused token ${ctx.fence} of run ${run}`);
  };
  await effect('start');
  for (let step = 0; step < steps; step++) {
    await delay(workMs / steps, undefined, stubborn ? {} : { signal: ctx.signal });
    await effect('step');
  }
  if (job.attempt <= fails) throw new Error(`planned failure of run ${run}`);
  await effect('end');
  return { run, fence: ctx.fence };
}
