import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  notifications,
  requests,
  storyName,
  storyResult,
  type StoryEvent,
  type StoryName,
  type StoryResult,
} from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { isAlive } from '../../harness/childProcess.ts';
import { childrenOf } from '../../harness/childrenOf.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { interlock, interlockJson, startInterlock } from '../cli/interlock.ts';

/** How late a busy machine is changes some figures of a bug, but not that it shows. */
type Figure = number | { least: number };

/** Figures that each story must come to, without protection and with it. */
const expected: Record<StoryName, Record<'naive' | 'protected', Record<string, Figure>>> = {
  'page-refresh': {
    naive: { socketsOpened: 6, mostSocketsAtOneTime: 6 },
    protected: { socketsOpened: 1, mostSocketsAtOneTime: 1, accepted: 1, already_running: 7 },
  },
  'double-scheduler': {
    naive: { slots: 4, jobs: { least: 6 }, slotsEnqueuedTwice: { least: 2 } },
    protected: { slots: 4, jobs: 4, slotsEnqueuedTwice: 0, slotsMissed: 0 },
  },
  stacking: {
    naive: { jobs: 4, mostQueuedOrRunning: { least: 3 } },
    protected: { jobs: 2, skipped: 2, runs: 2, mostQueuedOrRunning: 1 },
  },
  'lock-timeout': {
    naive: { runs: 2, maxConcurrentRuns: 2 },
    protected: { runs: 1, maxConcurrentRuns: 1, alarms: { least: 1 } },
  },
  'worker-crash': {
    naive: { runsStarted: 1, runsCompleted: 0 },
    protected: { runsStarted: 2, runsCompleted: 1, lateWritesRefused: 1, lateWritesAccepted: 0 },
  },
  'frozen-holder': {
    naive: { runs: 2, lateWritesAccepted: 1, holdersTold: 0 },
    protected: { runs: 2, lateWritesAccepted: 0, holdersTold: 1 },
  },
};

describe('interlock simulate, the stories', function () {
  // A story takes some seconds, twice that on a machine that is busy.

  let workspace: TestWorkspace;
  let redis: RedisServer;
  /** Agents of these tests have keys of their own there. */
  const keys = () => redis.client().keys('*simulation*');

  const play = async (story: StoryName, ...flags: string[]): Promise<StoryResult> => {
    const args = ['simulate', story, '--redis', redis.url, ...flags];
    const { code, json } = await interlockJson(workspace, storyResult, ...args);
    assert.equal(code, 0, JSON.stringify(json, null, 2));
    return json;
  };

  before(async () => {
    workspace = makeWorkspace({});
    redis = await RedisServer.start();
  });

  after(async () => {
    await redis.stop();
    workspace.remove();
  });

  for (const story of storyName.options) {
    it(`${story} shows the bug without protection, and none with it`, async () => {
      // Side by side: mostly they wait.
      const [naive, guarded] = await Promise.all([play(story, '--naive'), play(story)]);
      assert.equal(naive.bug, true, naive.verdict);
      assert.equal(guarded.bug, false, guarded.verdict);
      for (const [result, figures] of [
        [naive, expected[story].naive],
        [guarded, expected[story].protected],
      ] as const) {
        for (const [name, figure] of Object.entries(figures)) {
          const value = result.figures[name] ?? NaN;
          const fits = typeof figure === 'number' ? value === figure : value >= figure.least;
          assert.ok(fits, `${name} is ${value}: ${JSON.stringify(result, null, 2)}`);
        }
        assert.ok(result.timeline.length > 3);
        const times = result.timeline.map(({ atMs }) => atMs);
        assert.deepEqual(
          times,
          times.toSorted((a, b) => a - b),
        );
      }
      assert.deepEqual(await keys(), [], 'its keys are removed');
    });
  }

  it('tells a person what happens while it happens, then the verdict', async () => {
    const running = startInterlock(workspace, ['simulate', 'stacking', '--redis', redis.url]);
    await eventually('the first slot', () => /agent 1 .*slot 1/.test(running.stdout()), {
      deadlineMs: 40_000,
    });
    assert.doesNotMatch(running.stdout(), /slot 4|The promise/);
    const { code, stdout } = await running.ended;
    assert.equal(code, 0);
    assert.match(stdout, /^stacking, with protection: /);
    // The rows of the document that this is taken from; a busy machine may be a little late.
    const rows = [
      ...stdout.matchAll(/^(\d\d):(\d\d) {2}agent 1 +slot (\d): .*?(enqueued|skipped)/gm),
    ];
    const slots = rows.map(([, minutes, seconds, slot, what]) => ({
      ...{ slot: Number(slot), what },
      lateS: Number(minutes) * 60 + Number(seconds) - (Number(slot) - 1) * 90,
    }));
    assert.deepEqual(
      slots.map(({ slot, what }) => [slot, what]),
      [
        [1, 'enqueued'],
        [2, 'skipped'],
        [3, 'skipped'],
        [4, 'enqueued'],
      ],
    );
    assert.ok(
      slots.every(({ lateS }) => lateS >= 0 && lateS <= 60),
      stdout,
    );
    assert.match(stdout, /04:[0-3]0 {2}agent 1 +run 1 ends/);
    assert.match(stdout, /The promise held\. 4 slots: run, skip, skip, run\./);
  });

  it('is played by an agent as well, which tells each event as it happens', async () => {
    const agent = await AgentProcess.start(workspace, { env: { REDIS_URL: redis.url } });
    try {
      const events: StoryEvent[] = [];
      agent.client.onNotification(notifications.storyEvent, (event) => events.push(event));
      const params = { story: 'page-refresh', naive: true } as const;
      const result = await agent.client.request(requests.simulateStory, params);
      assert.equal(result.bug, true);
      assert.deepEqual(events, result.timeline);
      assert.deepEqual(await keys(), []);
    } finally {
      await agent.stop();
    }
  });

  it('ends its processes when the client of the agent hangs up', async () => {
    const agent = await AgentProcess.start(workspace, { env: { REDIS_URL: redis.url } });
    try {
      const params = { story: 'stacking', naive: false } as const;
      const result = agent.client.request(requests.simulateStory, params);
      result.catch(() => undefined);
      const { pid } = await agent.client.request(requests.status, {});
      const actors = await eventually('its processes', () => {
        const pids = childrenOf(pid).filter(isActor);
        return pids.length > 0 ? pids : undefined;
      });
      agent.client.dispose();
      await eventually('them to end', () => !actors.some(isAlive));
      await eventually('its keys to go', async () => {
        return (await keys()).length === 0;
      });
    } finally {
      await agent.stop();
    }
  });

  it('ends its processes and removes its keys when it is interrupted', async () => {
    const running = startInterlock(workspace, ['simulate', 'lock-timeout', '--redis', redis.url]);
    await eventually('a run', () => running.stdout().includes('run 1 starts'), {
      deadlineMs: 40_000,
    });
    const actors = childrenOf(running.child.pid);
    assert.equal(actors.length, 2);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    assert.match(stderr, /The simulation was cancelled/);
    assert.equal(code, 1);
    assert.ok(!actors.some(isAlive));
    assert.deepEqual(await keys(), []);
  });

  it('when it is killed its processes end, one that is frozen too', async () => {
    const args = ['simulate', 'frozen-holder', '--naive', '--redis', redis.url];
    const running = startInterlock(workspace, args);
    const actors = await eventually('a frozen process', () => {
      const pids = childrenOf(running.child.pid);
      return pids.some(isStopped) ? pids : undefined;
    });
    running.child.kill('SIGKILL');
    await running.ended;
    await eventually('its processes to end', () => !actors.some(isAlive));
  });

  it('says what the story is when help is asked for', async () => {
    const { stdout } = await interlock(workspace, 'simulate', '--help');
    for (const story of storyName.options) assert.match(stdout, new RegExp(`^ +${story} `, 'm'));
    assert.doesNotMatch(stdout, /not supported yet/);
  });
});

function stateOf(pid: number): string {
  return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).trim();
}

function isStopped(pid: number): boolean {
  try {
    return stateOf(pid).startsWith('T');
  } catch {
    return false;
  }
}

function isActor(pid: number): boolean {
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' }).includes(
      'storyActor.js',
    );
  } catch {
    return false;
  }
}
