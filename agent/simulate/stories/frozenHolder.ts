import { handlerFile } from './handlerFile.ts';
import { lateWrites, runEnded, written } from './runFacts.ts';
import type { Story } from './story.ts';
import { factsOf, type StoryRecord } from './storyRecord.ts';
import { takeoverLines } from './takeoverLines.ts';
import { warmUp } from './warmUp.ts';

const JOB = 'nightly_settlement';
/** Long enough for a busy machine to renew it, and to get to the freeze before it ends. */
const TTL_MS = 2_500;
const STEP_MS = 400;
/** The first run would go on for much longer than the story. */
const FIRST_ENDS_AT_MS = 60_000;
const DURATION_MS = 1_200;

/** A holder that is frozen for longer than its lock lives, and comes back. */
export const frozenHolder: Story = {
  name: 'frozen-holder',
  time: { scale: 1, resolutionMs: 1 },
  lineOf: takeoverLines,

  async playNaive(stage) {
    const options = { lock: stage.storyKeys.of('lock'), ttlMs: TTL_MS };
    const [first, second] = await Promise.all([
      stage.start('worker 1', 'naiveHolder', options),
      stage.start('worker 2', 'naiveHolder', options),
    ]);
    await stage.begin();
    await first.do('acquire');
    await first.do('write');
    await first.do('look');
    await stage.freeze(first, 'freezes worker 1 (SIGSTOP), just before it writes');
    await stage.poll('the lock to end', async () =>
      (await second.do('acquire')) === true ? true : undefined,
    );
    await second.do('write');
    await stage.thaw(first, 'lets worker 1 go on (SIGCONT)');
    await first.do('write');
    await second.do('write');
    await stage.until('the writes', (records) =>
      factsOf(records, 'write').length >= 4 ? true : undefined,
    );
  },

  async playProtected(stage) {
    const config = {
      jobs: {
        [JOB]: {
          ...{ handler: handlerFile(), isolation: 'inline', lease: { ttl: TTL_MS } },
          // With a free place, the frozen worker would be the one whom Redis tells of the job.
          ...{ unique: { by: ['bank'] }, concurrency: 1 },
        },
      },
    };
    const first = await stage.start('agent 1', 'agent', { config });
    await warmUp(stage, first, JOB, { bank: 'B-1' });
    await stage.begin();
    const data = {
      bank: 'B-7',
      ...{ firstEndsAtMs: FIRST_ENDS_AT_MS, durationMs: DURATION_MS },
      ...{ writeEveryMs: STEP_MS, insists: true },
    };
    await first.do('enqueue', { type: JOB, data });
    await written(stage, 1);
    const second = await stage.start('agent 2', 'agent', { config });
    await warmUp(stage, second, JOB, { bank: 'B-2' });
    await stage.freeze(
      first,
      `freezes agent 1 (SIGSTOP) for longer than its lock lives (${TTL_MS} ms)`,
    );
    await written(stage, 2);
    await stage.thaw(first, 'lets agent 1 go on (SIGCONT)');
    await stage.until('run 1 to be told', (records) =>
      factsOf(records, 'told_lost').some(({ run }) => run === 1) && hasLateWrite(records)
        ? true
        : undefined,
    );
    await runEnded(stage, 2);
  },

  judge(records) {
    const late = lateWrites(records);
    const told = factsOf(records, 'told_lost').length;
    const bug = late.accepted > 0;
    return {
      bug,
      verdict: bug
        ? 'The old holder wrote after the new one had written, and the resource took it: two holders, one resource.'
        : 'The resource took only rising fences: the late write of the frozen holder was refused, and the holder was told.',
      figures: {
        runs: factsOf(records, 'run_started').length,
        writesAccepted: factsOf(records, 'write').filter(({ accepted }) => accepted).length,
        lateWritesAccepted: late.accepted,
        lateWritesRefused: late.refused,
        holdersTold: told,
      },
    };
  },
};

/** Whatever the resource made of it. */
function hasLateWrite(records: readonly StoryRecord[]): boolean {
  const late = lateWrites(records);
  return late.accepted + late.refused > 0;
}
