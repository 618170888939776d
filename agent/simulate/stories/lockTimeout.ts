import { countRefusals, mostRunsAtOneTime } from './counting.ts';
import { handlerFile } from './handlerFile.ts';
import { scheduleLines, startSchedulers } from './scheduling.ts';
import type { Stage } from './stage.ts';
import type { Story } from './story.ts';
import { factsOf } from './storyRecord.ts';

const SCHEDULE = 'daily-full-sync';
const MINUTE_MS = 100;
const RUN_MS = 30 * MINUTE_MS;
const LOCK_TIMEOUT_MS = 5 * MINUTE_MS;
/** Each daemon looks once an hour; the second one was started so much later. */
const DAEMON_EVERY_MS = 60 * MINUTE_MS;
const SECOND_DAEMON_MS = 20 * MINUTE_MS;
const PROTECTED_EVERY_MS = 12 * MINUTE_MS;
const LEASE_TTL_MS = 5_000;

/** A job of 30 minutes, and a lock that counts as left behind after 5. */
export const lockTimeout: Story = {
  name: 'lock-timeout',
  time: { scale: 60_000 / MINUTE_MS, resolutionMs: 60_000 },
  lineOf: scheduleLines(PROTECTED_EVERY_MS),

  async playNaive(stage) {
    const options = {
      ...{ schedule: SCHEDULE, everyMs: DAEMON_EVERY_MS, runMs: RUN_MS },
      ...{ lockTimeoutMs: LOCK_TIMEOUT_MS, minuteMs: MINUTE_MS },
    };
    const [first, second] = await Promise.all([
      stage.start('daemon 1', 'naiveDaemon', options),
      stage.start('daemon 2', 'naiveDaemon', options),
    ]);
    await stage.begin();
    await first.do('start');
    await stage.passUntil(SECOND_DAEMON_MS);
    await second.do('start');
    await firstRunEnds(stage);
  },

  async playProtected(stage) {
    const config = {
      jobs: {
        [SCHEDULE]: {
          ...{ handler: handlerFile(), isolation: 'inline', lease: { ttl: LEASE_TTL_MS } },
          unique: { by: [] },
        },
      },
      schedules: {
        [SCHEDULE]: {
          job: SCHEDULE,
          every: PROTECTED_EVERY_MS,
          data: { firstEndsAtMs: RUN_MS, durationMs: RUN_MS },
        },
      },
      locks: { warnAfter: LOCK_TIMEOUT_MS, emergencyAfter: 5 * LOCK_TIMEOUT_MS },
    };
    await startSchedulers(stage, () =>
      Promise.all([
        stage.start('agent 1', 'agent', { config, watchesLocks: true }),
        stage.start('agent 2', 'agent', { config }),
      ]),
    );
    await firstRunEnds(stage);
  },

  judge(records) {
    const most = mostRunsAtOneTime(records);
    const runs = factsOf(records, 'run_started').length;
    const alarms = factsOf(records, 'alarm').length;
    const bug = most > 1;
    return {
      bug,
      verdict: bug
        ? `The lock was freed by its age, and ${SCHEDULE} ran ${most} times at one time.`
        : `${SCHEDULE} ran once in its 30 minutes. Its old lock raised ${alarms === 1 ? 'one alarm' : `${alarms} alarms`} and was freed by nobody.`,
      figures: { runs, maxConcurrentRuns: most, alarms, ...countRefusals(records) },
    };
  },
};

function firstRunEnds(stage: Stage): Promise<true> {
  return stage.until('the first run to end', (records) =>
    factsOf(records, 'run_ended').some(({ run }) => run === 1) ? true : undefined,
  );
}
