import { countRefusals, mostAtOneTime } from './counting.ts';
import { handlerFile } from './handlerFile.ts';
import { jobsOf, scheduleLines, startSchedulers } from './scheduling.ts';
import type { Stage } from './stage.ts';
import type { Story } from './story.ts';
import { factsOf, type StoryRecord } from './storyRecord.ts';
import { warmUp } from './warmUp.ts';

const JOB = 'chain_state_monitor';
/** A second of the story. */
const SECOND_MS = 20;
const EVERY_MS = 90 * SECOND_MS;
/** The first run ends at 04:00, as in the table that is replayed: half as fast as it should. */
const FIRST_ENDS_AT_MS = 240 * SECOND_MS;
const DURATION_MS = 120 * SECOND_MS;
/** 00:00, 01:30, 03:00, 04:30. */
const SLOTS = 4;
const START_MS = 700;

/** A job that takes longer than its interval. */
export const stacking: Story = {
  name: 'stacking',
  time: { scale: 1_000 / SECOND_MS, resolutionMs: 10_000 },
  lineOf: scheduleLines(EVERY_MS),

  async playNaive(stage) {
    const zeroMs = (await stage.nowMs()) + START_MS;
    await stage.start('agent 1', 'naiveTimer', {
      ...{ job: JOB, everyMs: EVERY_MS, zeroMs, slots: SLOTS },
      runs: { firstEndsAtMs: FIRST_ENDS_AT_MS, durationMs: DURATION_MS },
    });
    await stage.begin(zeroMs);
    await allSlots(stage);
  },

  async playProtected(stage) {
    const config = {
      jobs: { [JOB]: { handler: handlerFile(), isolation: 'inline', maxConcurrent: 1 } },
      schedules: {
        chain: {
          ...{ job: JOB, every: EVERY_MS },
          data: { firstEndsAtMs: FIRST_ENDS_AT_MS, durationMs: DURATION_MS },
        },
      },
    };
    await startSchedulers(stage, async () => {
      await warmUp(stage, await stage.start('agent 1', 'agent', { config }), JOB);
    });
    await allSlots(stage);
    // The run of the last slot, the second one.
    await stage.until('the second run', (records) =>
      factsOf(records, 'run_started').length >= 2 ? true : undefined,
    );
  },

  judge(records) {
    const most = mostQueuedOrRunning(records);
    const runs = factsOf(records, 'run_started').length;
    const jobs = jobsOf(records).length;
    const skipped = SLOTS - jobs;
    const bug = most > 1;
    return {
      bug,
      verdict: bug
        ? `${jobs} slots made ${jobs} jobs, and up to ${most} were queued or running at one time: the queue grows without end.`
        : `${SLOTS} slots: ${slotWords(records)}. Never more than one job was queued or running.`,
      figures: {
        ...{ slots: SLOTS, jobs, skipped, runs, mostQueuedOrRunning: most },
        ...countRefusals(records),
      },
    };
  },
};

/** Waits until each slot is enqueued or skipped. */
function allSlots(stage: Stage): Promise<true> {
  return stage.until('the slots', (records) =>
    factsOf(records, 'enqueued').length + factsOf(records, 'asked').length >= SLOTS
      ? true
      : undefined,
  );
}

function mostQueuedOrRunning(records: readonly StoryRecord[]): number {
  return mostAtOneTime(
    records.flatMap(({ fact }) => {
      if (fact?.kind === 'enqueued') return [1 as const];
      return fact?.kind === 'run_ended' ? [-1 as const] : [];
    }),
  );
}

/** `run, skip, skip, run`. */
function slotWords(records: readonly StoryRecord[]): string {
  return records
    .flatMap(({ fact }) => {
      if (fact?.kind === 'enqueued') return ['run'];
      return fact?.kind === 'asked' ? ['skip'] : [];
    })
    .join(', ');
}
