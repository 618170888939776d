import { handlerFile } from './handlerFile.ts';
import { lateWrites, runEnded, written } from './runFacts.ts';
import type { Story } from './story.ts';
import { factsOf, type StoryRecord } from './storyRecord.ts';
import { takeoverLines } from './takeoverLines.ts';
import { warmUp } from './warmUp.ts';

const JOB = 'charge_customer';
const STEP_MS = 300;
const RUN_MS = 1_500;
/** The first run would go on for much longer: it does not end before it is killed. */
const FIRST_ENDS_AT_MS = 60_000;
/** So long nothing happens in naive mode, ms: nobody knows of the job any more. */
const IN_VAIN_MS = 2_500;
const TTL_MS = 5_000;

/** kill -9 of a worker that runs a job. */
export const workerCrash: Story = {
  name: 'worker-crash',
  time: { scale: 1, resolutionMs: 1 },
  lineOf: takeoverLines,

  async playNaive(stage) {
    const list = stage.storyKeys.of('jobs');
    const options = { list, stepMs: STEP_MS, steps: RUN_MS / STEP_MS };
    const first = await stage.start('worker 1', 'naiveListWorker', options);
    await stage.begin();
    await stage.tell('person', `puts ${JOB} into a list`);
    await stage.redis.lpush(list, JOB);
    await written(stage, 1);
    await stage.kill(first, 'kill -9 worker 1, while it runs the job');
    await stage.start('worker 2', 'naiveListWorker', options);
    await stage.tell('worker 2', 'waits at the list: it is empty');
    await stage.pass(IN_VAIN_MS);
    const left = await stage.redis.llen(list);
    await stage.tell('person', `looks for the job: ${left} in the list, nobody runs it`, {
      tone: left === 0 ? 'bad' : 'neutral',
    });
    await stage.until('that line', (records) =>
      records.some(({ text }) => text.startsWith('looks for')) ? true : undefined,
    );
  },

  async playProtected(stage) {
    const config = {
      jobs: {
        [JOB]: {
          ...{ handler: handlerFile(), lease: { ttl: TTL_MS } },
          ...{ unique: { by: ['customer'] }, concurrency: 1 },
        },
      },
    };
    const first = await stage.start('agent 1', 'agent', { config });
    await warmUp(stage, first, JOB, { customer: 'C-1' });
    await stage.begin();
    const data = {
      ...{ customer: 'C-7', firstEndsAtMs: FIRST_ENDS_AT_MS, durationMs: RUN_MS },
      writeEveryMs: STEP_MS,
    };
    await first.do('enqueue', { type: JOB, data });
    await written(stage, 1);
    const second = await stage.start('agent 2', 'agent', { config });
    await warmUp(stage, second, JOB, { customer: 'C-2' });
    await stage.kill(first, 'kill -9 agent 1, while it runs the job');
    await written(stage, 2);
    const old = factsOf(stage.records, 'run_started').find(({ run }) => run === 1);
    await stage.writeLate('network', 1, old?.fence ?? null);
    await runEnded(stage, 2);
  },

  judge(records) {
    const started = factsOf(records, 'run_started').length;
    const completed = factsOf(records, 'run_ended').length;
    const late = lateWrites(records);
    const takeoverMs = takeoverTime(records);
    const bug = completed !== 1 || late.accepted > 0;
    return {
      bug,
      verdict: verdictOf(completed, late.accepted, takeoverMs),
      figures: {
        ...{ runsStarted: started, runsCompleted: completed },
        ...{ lateWritesRefused: late.refused, lateWritesAccepted: late.accepted },
        ...(takeoverMs === undefined ? {} : { takeoverMs }),
      },
    };
  },
};

function verdictOf(completed: number, lateAccepted: number, takeoverMs = 0): string {
  if (completed === 0) return 'The job is lost: it was begun, never finished, and is in no queue.';
  if (completed > 1) return `The job was finished ${completed} times.`;
  if (lateAccepted > 0)
    return 'A write of the dead run was accepted after its successor had begun.';
  return `The job was taken over ${takeoverMs} ms after the kill and finished once, under a higher fence; a late write of the dead run was refused.`;
}

/** From the kill to the start of the run that takes over, ms. */
function takeoverTime(records: readonly StoryRecord[]): number | undefined {
  const killed = records.find(({ fact }) => fact?.kind === 'killed');
  const second = records.find(({ fact }) => fact?.kind === 'run_started' && fact.run === 2);
  return killed === undefined || second === undefined ? undefined : second.atMs - killed.atMs;
}
