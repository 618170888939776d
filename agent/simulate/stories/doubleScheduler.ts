import { Queue } from 'bullmq';
import type { Actor } from './actor.ts';
import { handlerFile } from './handlerFile.ts';
import { jobsOf, scheduleLines, schedulerOf, startSchedulers } from './scheduling.ts';
import type { Stage } from './stage.ts';
import type { Story } from './story.ts';

const JOB = 'reminders_tick_job';
/** A minute of the story. */
const MINUTE_MS = 1_200;
const SLOTS = 4;
/** The scheduler that enqueues is killed after that many slots. */
const SLOTS_BEFORE_KILL = 2;
/** The default, 90 s, in the time of the story. */
const LOCK_TTL_MS = 1.5 * MINUTE_MS;
const START_MS = 700;

/** Two processes that both enqueue what is due each minute; one of them is killed in between. */
export const doubleScheduler: Story = {
  name: 'double-scheduler',
  time: { scale: 60_000 / MINUTE_MS, resolutionMs: 5_000 },
  lineOf: scheduleLines(MINUTE_MS),

  async playNaive(stage) {
    const zeroMs = (await stage.nowMs()) + START_MS;
    const options = { job: JOB, everyMs: MINUTE_MS, zeroMs, slots: SLOTS };
    const schedulers = await startTwo((name) => stage.start(name, 'naiveTimer', options));
    await stage.begin(zeroMs);
    await enqueued(stage, SLOTS_BEFORE_KILL - 1, 2);
    await stage.kill(schedulers[0], 'kill -9 scheduler 1');
    await enqueued(stage, SLOTS - 1, 1);
  },

  async playProtected(stage) {
    // No worker in this story: what is enqueued stays where it can be counted.
    await new Queue('default', { connection: stage.redis, prefix: stage.prefix }).pause();
    const config = {
      jobs: { [JOB]: { handler: handlerFile(), isolation: 'inline' } },
      // On a machine so busy that the takeover takes longer than a slot, each still comes.
      schedules: { tick: { job: JOB, every: MINUTE_MS, data: {}, missed: 'catch-up' } },
      scheduler: { lockTtl: LOCK_TTL_MS },
    };
    const schedulers = await startSchedulers(stage, () =>
      startTwo((name) => stage.start(name, 'agent', { config })),
    );
    await enqueued(stage, SLOTS_BEFORE_KILL - 1, 1);
    const leader = await schedulerOf(stage);
    const actor = schedulers.find(({ name }) => name === leader) ?? schedulers[0];
    await stage.kill(actor, `kill -9 ${actor.name}, which holds the lock`);
    await enqueued(stage, SLOTS - 1, 1);
  },

  judge(records) {
    const jobs = jobsOf(records).map(({ slot }) => slot);
    const slots = Array.from({ length: SLOTS }, (_, slot) => slot);
    const jobsIn = (slot: number) => jobs.filter((other) => other === slot).length;
    const twice = slots.filter((slot) => jobsIn(slot) > 1).length;
    const missed = slots.filter((slot) => jobsIn(slot) === 0).length;
    return {
      bug: twice > 0 || missed > 0,
      verdict:
        twice + missed > 0
          ? `Of ${SLOTS} slots ${twice} were enqueued twice${missed > 0 ? ` and ${missed} not at all` : ''}: every reminder of those minutes is sent twice.`
          : `${SLOTS} slots, ${jobs.length} jobs: each slot once, although two schedulers ran and the one with the lock was killed.`,
      figures: { slots: SLOTS, jobs: jobs.length, slotsEnqueuedTwice: twice, slotsMissed: missed },
    };
  },
};

async function startTwo(start: (name: string) => Promise<Actor>): Promise<[Actor, Actor]> {
  return Promise.all([start('scheduler 1'), start('scheduler 2')]);
}

/** Waits until so many jobs of a slot came in. */
function enqueued(stage: Stage, slot: number, count: number): Promise<true> {
  return stage.until(`slot ${slot + 1}`, (records) =>
    jobsOf(records).filter((job) => job.slot === slot).length >= count ? true : undefined,
  );
}
