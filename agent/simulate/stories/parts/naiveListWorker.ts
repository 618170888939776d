import * as z from 'zod';
import { sleep, systemClock } from '../../../common/clock.ts';
import { partOf, type OpenPart, type PartContext } from './part.ts';

const optionsSchema = z.object({
  /** Redis list of jobs. */
  list: z.string(),
  stepMs: z.number().int(),
  steps: z.number().int(),
});

type Options = z.infer<typeof optionsSchema>;

/** A worker that takes a job out of a list and runs it: between the two it is nowhere but in memory. */
export const openNaiveListWorker: OpenPart = (context, raw) => {
  const options = optionsSchema.parse(raw);
  const blocking = context.connections.patient('list');
  const loop = async () => {
    for (;;) {
      await blocking.brpop(options.list, 0);
      await run(context, options);
    }
  };
  loop().catch(context.fail);
  return Promise.resolve(partOf());
};

async function run({ log }: PartContext, { stepMs, steps }: Options): Promise<void> {
  const run = await log.nextRun();
  await log.tell(`takes the job from the list, run ${run} starts`, {
    fact: { kind: 'run_started', run, fence: null },
  });
  for (let step = 0; step < steps; step += 1) {
    await sleep(systemClock, stepMs);
    await log.write(run, null);
  }
  await log.tell(`run ${run} ends`, { tone: 'good', fact: { kind: 'run_ended', run } });
}
