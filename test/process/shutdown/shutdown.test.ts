import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { USUAL_FINISH_RUNS_MS } from '../../../agent/config/schema.ts';
import { requests } from '../../../agent/protocol/api.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { isAlive } from '../../harness/childProcess.ts';
import { childrenOf } from '../../harness/childrenOf.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeWorkspace, WAIT_HANDLER, type TestWorkspace } from '../../harness/workspace.ts';

const STATES = ['idle', 'busy', 'hung', 'with Redis frozen', 'with Redis killed'] as const;
const SIGNALS = ['SIGTERM', 'SIGINT', 'twice'] as const;
type State = (typeof STATES)[number];
type Signals = (typeof SIGNALS)[number];

/** What an agent needs at most, in whatever state; and what a loaded machine may add. */
const STOP_WITHIN_MS = 5_000;
const AT_ONCE_MS = 500;
const LOAD_MS = 1_500;
/** More of them only wait for each other, and each has to answer in time. */
const STARTS_AT_ONCE = 4;

/** Says that it runs, and takes no notice of anything, with or without the event loop. */
const hungHandler = (hang: string) => `import { writeFileSync } from 'node:fs';
export default async (job) => {
  writeFileSync(job.data.trace, String(process.pid));
  ${hang}
};
`;
const FILES = {
  'wait.ts': WAIT_HANDLER,
  'loop.ts': hungHandler('for (;;);'),
  'never.ts': hungHandler('await new Promise(() => setInterval(() => undefined, 1_000));'),
};

const JOBS_OF: Readonly<Record<State, readonly string[]>> = {
  idle: [],
  busy: ['wait'],
  hung: ['loop', 'never'],
  'with Redis frozen': ['wait'],
  'with Redis killed': ['wait'],
};

/** One agent in a key space of its own, brought into a state and then told to end. */
class Case {
  agent: AgentProcess | undefined;
  readonly keys: Keys;
  readonly workspace: TestWorkspace;
  jobIds: string[] = [];
  children: number[] = [];
  exit: number | NodeJS.Signals | undefined;
  tookMs = NaN;

  constructor(
    readonly state: State,
    readonly signals: Signals,
    readonly server: RedisServer,
  ) {
    const prefix = `${state} ${signals}`.replaceAll(' ', '-');
    this.keys = new Keys(prefix);
    const job = (name: string) => ({ handler: `./${name}.ts`, retry: { max: 0, intervals: [0] } });
    this.workspace = makeWorkspace(
      {
        redis: { url: server.url, prefix },
        jobs: { wait: job('wait'), loop: job('loop'), never: job('never') },
        // With Redis away no run can finish: it makes no difference there how long it may.
        shutdown: { finishRuns: state.startsWith('with Redis') ? '60s' : '2.5s' },
        // So that it holds the scheduler's lock.
        schedules: { yearly: { job: 'wait', cron: '0 0 1 1 *' } },
      },
      FILES,
    );
  }

  get until(): string {
    return path.join(this.workspace.folder, 'until');
  }

  async start(): Promise<void> {
    const agent = await AgentProcess.start(this.workspace);
    this.agent = agent;
    for (const type of JOBS_OF[this.state]) {
      const trace = path.join(this.workspace.folder, `${type}.trace`);
      const data = { until: this.until, trace };
      const [decision] = await agent.client.request(requests.enqueue, { type, data });
      this.jobIds.push(decision?.jobId ?? '');
      await eventually(`the run of ${type}`, () => existsSync(trace), { deadlineMs: 60_000 });
    }
    this.children = childrenOf(agent.pid);
    assert.equal(this.children.length, this.jobIds.length);
  }

  async end(): Promise<void> {
    const { agent, signals } = this;
    assert.ok(agent);
    let toldAt = performance.now();
    const ended = agent.ended.then((exit) => {
      this.exit = exit;
      this.tookMs = performance.now() - toldAt;
    });
    process.kill(agent.pid, signals === 'twice' ? 'SIGTERM' : signals);
    if (signals === 'twice') {
      const log = path.join(agent.stateFolder, 'agent.log');
      await eventually('it to leave', () => readFileSync(log, 'utf8').includes('agent leaves'));
      toldAt = performance.now();
      if (isAlive(agent.pid)) process.kill(agent.pid, 'SIGTERM');
    }
    await ended;
  }
}

describe('an agent that is told to end', function () {
  this.timeout(180_000);
  const servers: RedisServer[] = [];
  const cases = new Map<string, Case>();

  before(async () => {
    const [shared, frozen, killed] = await Promise.all(
      [1, 2, 3].map(async () => {
        const server = await RedisServer.start();
        servers.push(server);
        return server;
      }),
    );
    assert.ok(shared && frozen && killed);
    const serverOf = (state: State) =>
      state === 'with Redis frozen' ? frozen : state === 'with Redis killed' ? killed : shared;
    for (const state of STATES) {
      for (const signals of SIGNALS) {
        cases.set(`${state} ${signals}`, new Case(state, signals, serverOf(state)));
      }
    }
    // Those that hang take all the processor time that there is: they come last.
    const hung = (one: Case) => one.state === 'hung';
    const inOrder = [...cases.values()].sort((a, b) => Number(hung(a)) - Number(hung(b)));
    for (let from = 0; from < inOrder.length; from += STARTS_AT_ONCE)
      await Promise.all(inOrder.slice(from, from + STARTS_AT_ONCE).map((one) => one.start()));
    // Written by the system by then, though not synced: a kill of the process loses nothing of it.
    await killed.client().config('SET', 'appendfsync', 'always');
    await killed.client().set('synced', '1');
    frozen.freeze();
    await killed.kill();
    await Promise.all([...cases.values()].map((one) => one.end()));
    frozen.thaw();
    await killed.restart();
  });
  after(async () => {
    for (const { agent, workspace } of cases.values()) {
      await agent?.kill();
      workspace.remove();
    }
    await Promise.all(servers.map((server) => server.stop()));
  });

  const find = (state: State, signals: Signals): Case => {
    const found = cases.get(`${state} ${signals}`);
    assert.ok(found);
    return found;
  };

  for (const state of STATES) {
    for (const signals of SIGNALS) {
      it(`${state}, ${signals}: in time, no process left, no attempt burnt, no job lost`, async () => {
        const one = find(state, signals);
        const { keys, server } = one;
        const mostMs = (signals === 'twice' ? AT_ONCE_MS : STOP_WITHIN_MS) + LOAD_MS;
        assert.ok(one.tookMs < mostMs, `${one.tookMs} ms`);
        // Idle, it may have ended in order before it saw the second one.
        const codes = signals === 'twice' ? (state === 'idle' ? [0, 1] : [1]) : [0];
        assert.ok(
          codes.some((code) => code === one.exit),
          `exit ${String(one.exit)}`,
        );
        await eventually('its processes to end', () => !one.children.some(isAlive), {
          deadlineMs: AT_ONCE_MS + LOAD_MS,
        });
        const redis = server.client();
        for (const id of one.jobIds) {
          const [waiting, active] = await Promise.all([
            redis.lrange(keys.queue('default', 'wait'), 0, -1),
            redis.lrange(keys.queue('default', 'active'), 0, -1),
          ]);
          assert.ok([...waiting, ...active].includes(id), `job ${id} is there`);
          assert.equal((await redis.hget(keys.job('default', id), 'atm')) ?? '0', '0');
        }
      });
    }
  }

  for (const state of ['idle', 'busy', 'hung'] as const) {
    for (const signals of ['SIGTERM', 'SIGINT'] as const) {
      it(`${state}, ${signals}: gives everything back in Redis`, async () => {
        const { keys, server, jobIds } = find(state, signals);
        const redis = server.client();
        const waiting = await redis.lrange(keys.queue('default', 'wait'), 0, -1);
        assert.deepEqual(waiting.sort(), [...jobIds].sort());
        assert.deepEqual(await redis.keys(keys.lease('*')), [], 'no lease');
        assert.deepEqual(await redis.hkeys(keys.agents), [], 'no entry in the registry');
        for (const id of jobIds) assert.equal(await redis.exists(keys.jobLock('default', id)), 0);
      });
    }
  }

  for (const [state, signals] of [
    ['busy', 'twice'],
    ['with Redis killed', 'SIGTERM'],
  ] as const) {
    it(`${state}, ${signals}: the next agent runs the job, as if for the first time`, async () => {
      const one = find(state, signals);
      writeFileSync(one.until, '');
      const next = await AgentProcess.start(one.workspace);
      try {
        const id = one.jobIds[0] ?? '';
        const done = await eventually('the job to end', async () => {
          const job = await next.client.request(requests.job, { id });
          return job.state === 'completed' && job;
        });
        assert.equal(done.attemptsMade, 1);
      } finally {
        await next.stop();
      }
    });
  }

  it('with more time for runs, lets one finish that takes longer than usual', async () => {
    const workspace = makeWorkspace(
      { jobs: { wait: { handler: './wait.ts' } }, shutdown: { finishRuns: '30s' } },
      FILES,
    );
    const env = { REDIS_URL: servers[0]?.url };
    const agent = await AgentProcess.start(workspace, { env });
    const trace = path.join(workspace.folder, 'trace');
    const data = { until: path.join(workspace.folder, 'until'), trace };
    try {
      const [decision] = await agent.client.request(requests.enqueue, { type: 'wait', data });
      await eventually('the run', () => existsSync(trace));
      const { withinMs } = await agent.client.request(requests.stop, {});
      assert.equal(withinMs, 36_800, 'who waits for its end knows how long');
      const toldAt = performance.now();
      await eventually(
        'more than usual',
        () => performance.now() - toldAt > USUAL_FINISH_RUNS_MS + 500,
      );
      assert.ok(isAlive(agent.pid));
      writeFileSync(data.until, '');
      assert.equal(await agent.ended, 0);
      const job = new Keys('bull').job('default', decision?.jobId ?? '');
      const redis = servers[0]?.client();
      assert.deepEqual(await redis?.hmget(job, 'returnvalue', 'atm'), [
        JSON.stringify({ waitedFor: data.until }),
        '1',
      ]);
    } finally {
      await agent.kill();
      workspace.remove();
    }
  });
});
