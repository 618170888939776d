import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import * as path from 'node:path';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import { InterlockError } from '../../../agent/common/errors.ts';
import type { AgentClient } from '../../../agent/protocol/agentClient.ts';
import { requests, type Requests } from '../../../agent/protocol/api.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { AnySymbolFeed } from '../../harness/anySymbolFeed.ts';
import { childrenOf } from '../../harness/childrenOf.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import type { TestWorkspace } from '../../harness/workspace.ts';
import { connectionsByAgent, roleWorkspace } from './roleWorkspace.ts';

const ROLES = ['api', 'calls', 'worker', 'scheduler'] as const;
type Role = (typeof ROLES)[number];

const keys = new Keys('bull');
const entryShape = z.object({
  role: z.string(),
  workers: z.array(z.string()),
  streams: z.array(z.string()),
});

/** Requests that have no effect where they are allowed. */
const HARMLESS: Readonly<
  Partial<Record<keyof Requests, (client: AgentClient) => Promise<unknown>>>
> = {
  status: (client) => client.request(requests.status, {}),
  agents: (client) => client.request(requests.agents, {}),
  log: (client) => client.request(requests.log, {}),
  subscribe: (client) => client.request(requests.subscribe, {}),
  unsubscribe: (client) => client.request(requests.unsubscribe, {}),
  checkPayload: (client) => client.request(requests.checkPayload, { type: 'none', text: '{}' }),
  jobs: (client) => client.request(requests.jobs, {}),
  job: (client) => client.request(requests.job, { id: 'none' }),
  queues: (client) => client.request(requests.queues, {}),
  schedules: (client) => client.request(requests.schedules, {}),
  streams: (client) => client.request(requests.streams, {}),
  locks: (client) => client.request(requests.locks, {}),
  releaseLock: (client) => client.request(requests.releaseLock, { name: 'none' }),
  decisions: (client) => client.request(requests.decisions, {}),
  history: (client) => client.request(requests.history, {}),
  enqueue: (client) => client.request(requests.enqueue, { type: 'none' }),
  requeue: (client) => client.request(requests.requeue, {}),
  promote: (client) => client.request(requests.promote, { jobs: [] }),
  remove: (client) => client.request(requests.remove, { jobs: [] }),
  rerun: (client) => client.request(requests.rerun, { id: 'none' }),
  debugJob: (client) => client.request(requests.debugJob, { id: 'none' }),
  debugNew: (client) => client.request(requests.debugNew, { type: 'none' }),
  debugNext: (client) => client.request(requests.debugNext, { type: 'none' }),
  attachDebugger: (client) => client.request(requests.attachDebugger, { id: 'none' }),
  debugPlace: (client) => client.request(requests.debugPlace, { id: 'none', at: 'a.ts:1' }),
  endDebug: (client) => client.request(requests.endDebug, { id: 'none', how: 'go_on' }),
  debugs: (client) => client.request(requests.debugs, {}),
  pauseQueue: (client) => client.request(requests.pauseQueue, { queue: 'none' }),
  resumeQueue: (client) => client.request(requests.resumeQueue, { queue: 'none' }),
  drainQueue: (client) => client.request(requests.drainQueue, { queue: 'none' }),
  leaders: (client) => client.request(requests.leaders, {}),
  runSchedule: (client) => client.request(requests.runSchedule, { name: 'none' }),
  pauseSchedule: (client) => client.request(requests.pauseSchedule, { name: 'none' }),
  resumeSchedule: (client) => client.request(requests.resumeSchedule, { name: 'none' }),
  skipSlot: (client) => client.request(requests.skipSlot, { name: 'none' }),
  startStream: (client) => client.request(requests.startStream, { name: 'none' }),
  stopStream: (client) => client.request(requests.stopStream, { name: 'none' }),
  restartStream: (client) => client.request(requests.restartStream, { name: 'none' }),
  resumeStream: (client) => client.request(requests.resumeStream, { name: 'none' }),
  rotateStream: (client) => client.request(requests.rotateStream, { name: 'none' }),
  addSymbols: (client) => client.request(requests.addSymbols, { name: 'none', symbols: ['x'] }),
  removeSymbols: (client) =>
    client.request(requests.removeSymbols, { name: 'none', symbols: ['x'] }),
  symbols: (client) => client.request(requests.symbols, { name: 'none' }),
  reap: (client) => client.request(requests.reap, {}),
  simulateDuplicates: (client) => client.request(requests.simulateDuplicates, { jobType: 'none' }),
  simulateStory: (client) => client.request(requests.simulateStory, { story: 'stacking' }),
};

const COMMANDS = [
  ...['enqueue', 'requeue', 'promote', 'remove', 'rerun', 'pauseQueue', 'resumeQueue'],
];
const DEBUGGING = [
  ...['debugJob', 'debugNew', 'debugNext', 'attachDebugger', 'debugPlace', 'endDebug'],
];
const STREAMS = ['startStream', 'stopStream', 'restartStream', 'resumeStream', 'rotateStream'];
const SYMBOLS = ['addSymbols', 'removeSymbols', 'symbols'];
const SIMULATIONS = ['simulateDuplicates', 'simulateStory'];

const SCHEDULES = ['runSchedule', 'pauseSchedule', 'resumeSchedule', 'skipSlot'];

const FORBIDDEN: Readonly<Record<Role, string[]>> = {
  api: [...STREAMS, ...SYMBOLS, ...SIMULATIONS, ...DEBUGGING, 'reap'],
  calls: [...SIMULATIONS, ...DEBUGGING],
  worker: [...COMMANDS, 'drainQueue', ...SCHEDULES, ...STREAMS, ...SYMBOLS, ...SIMULATIONS],
  scheduler: [...[...COMMANDS, 'drainQueue', ...STREAMS, ...SYMBOLS, ...SIMULATIONS, ...DEBUGGING]],
};

const CONNECTIONS: Readonly<Record<Role, string[]>> = {
  api: ['commands', 'events'],
  calls: ['commands', 'events'],
  worker: ['commands', 'events', 'waits for fast', 'waits for slow', 'workers'],
  scheduler: ['commands', 'events'],
};

describe('one role per process', function () {
  let server: RedisServer;
  let redis: Redis;
  let feed: AnySymbolFeed;
  let workspace: TestWorkspace;
  let agents: Record<Role, AgentProcess>;

  before(async () => {
    server = await RedisServer.start();
    redis = server.client();
    feed = await AnySymbolFeed.start(50);
    workspace = roleWorkspace(feed.url);
    const start = (role: Role) =>
      AgentProcess.start(workspace, {
        ...{ role, stateFolder: `${workspace.stateFolder}-${role}` },
        env: { REDIS_URL: server.url },
      });
    const [api, calls, worker, scheduler] = await Promise.all(ROLES.map(start));
    assert.ok(api && calls && worker && scheduler);
    agents = { api, calls, worker, scheduler };
    await eventually('everything to run once', async () => {
      const { rows } = await api.client.request(requests.history, { type: 'echo' });
      const [stream] = await calls.client.request(requests.streams, {});
      return rows.some(({ schedule }) => schedule !== null) && stream?.connected === 2;
    });
  });
  after(async () => {
    await Promise.all(Object.values(agents).map((agent) => agent.kill()));
    await feed.close();
    await server.stop();
    workspace.remove();
  });

  const idOf = async (role: Role) =>
    (await agents[role].client.request(requests.status, {})).agentId;

  for (const role of ROLES) {
    it(`${role} tells its role in its status and in the registry`, async () => {
      const status = await agents[role].client.request(requests.status, {});
      const entry = entryShape.parse(
        JSON.parse((await redis.hget(keys.agents, status.agentId)) ?? 'null'),
      );
      assert.deepEqual([status.role, entry.role], [role, role]);
      assert.equal(entry.workers.length, role === 'worker' ? 2 : 0);
      assert.deepEqual(entry.streams, role === 'calls' ? ['ticks'] : []);
    });

    it(`${role} has the Redis connections that it needs, and no other`, async () => {
      const found = await connectionsByAgent(redis);
      assert.deepEqual(found.get(await idOf(role)), CONNECTIONS[role]);
    });

    it(`${role} has ${role === 'worker' ? 'handler' : 'no'} processes`, () => {
      const children = childrenOf(agents[role].pid);
      assert.equal(children.length > 0, role === 'worker', `children: ${children.join()}`);
    });

    it(`${role} answers what it does, and refuses the rest with the role that may`, async () => {
      const refused: string[] = [];
      for (const [name, ask] of Object.entries(HARMLESS)) {
        const error = await ask(agents[role].client).then(
          () => undefined,
          (thrown: unknown) => thrown,
        );
        if (!(error instanceof InterlockError) || error.code !== 'role_forbids') continue;
        refused.push(name);
        assert.match(error.message, new RegExp(`^The role of this agent, ${role}, does not allow`));
        const may = z.array(z.string()).parse(error.details['may']);
        assert.ok(may.length > 0 && !may.includes(role), `${name}: ${may.join()}`);
      }
      assert.deepEqual(refused.sort(), [...FORBIDDEN[role]].sort());
    });
  }

  it('knows for every request whether it is about looking or doing', () => {
    const asked = new Set(Object.keys(HARMLESS));
    const others = Object.keys(requests).filter((name) => !asked.has(name));
    assert.deepEqual(others.sort(), ['drain', 'hello', 'stop']);
  });

  it('leases are held by the role that does the work', async () => {
    const { rows } = await agents.api.client.request(requests.locks, {});
    const roleOf = (kind: string) => [
      ...new Set(rows.filter((row) => row.kind === kind).map(({ holder }) => holder?.role)),
    ];
    assert.deepEqual(roleOf('scheduler'), ['scheduler']);
    assert.deepEqual(roleOf('stream'), ['calls']);
  });

  it('a refusal names the agent that can be asked, and is recorded', async () => {
    const ask = agents.worker.client.request(requests.enqueue, { type: 'echo' });
    await assert.rejects(ask, (error: unknown) => {
      assert.ok(error instanceof InterlockError);
      assert.match(error.remedy ?? '', /^Ask the agent of role (api|calls): process \d+ on /);
      return true;
    });
    const wanted = { subject: 'echo', outcome: 'refused' } as const;
    const { rows } = await agents.scheduler.client.request(requests.decisions, wanted);
    assert.deepEqual([rows[0]?.action, rows[0]?.reason], ['enqueue', 'role_forbids']);
  });

  it('every agent shows the streams, whoever runs them', async () => {
    for (const role of ['api', 'worker', 'scheduler'] as const) {
      const [row] = await agents[role].client.request(requests.streams, {});
      assert.deepEqual([row?.state, row?.connected, row?.holder?.role], ['elsewhere', 2, 'calls']);
      assert.equal(row?.totalMessages === 0, false, 'figures come from the registry');
    }
  });

  it('a key that only a handler can tell is refused where no handlers run', async () => {
    const request = { type: 'custom', data: { key: 'k' } };
    await assert.rejects(agents.api.client.request(requests.enqueue, request), {
      code: 'role_forbids',
      message: /asking the handler of custom for its uniqueness key/,
      remedy: /^Ask the agent of role worker/,
    });
    const { rows } = await agents.api.client.request(requests.decisions, { subject: 'custom' });
    assert.equal(rows[0]?.reason, 'role_forbids');
  });

  it('api answers while the workers are frozen, and what it took runs when they are back', async () => {
    process.kill(agents.worker.pid, 'SIGSTOP');
    const ids: (string | null | undefined)[] = [];
    try {
      for (let index = 0; index < 50; index += 1) {
        const request = { type: 'echo', data: { index } };
        const [decision] = await agents.api.client.request(requests.enqueue, request);
        assert.equal(decision?.outcome, 'accepted');
        ids.push(decision.jobId);
      }
      const row = await agents.api.client.request(requests.job, { id: ids[49] ?? '' });
      assert.equal(row.finishedAt, null, 'answered before any of it could run');
    } finally {
      process.kill(agents.worker.pid, 'SIGCONT');
    }
    for (const id of ids) {
      await eventually(`job ${id} to end`, async () => {
        const job = await agents.api.client.request(requests.job, { id: id ?? '' });
        return job.state === 'completed';
      });
    }
  });

  it('a handler of a worker may enqueue', async () => {
    const trace = path.join(workspace.folder, 'trace');
    workspace.write('wait.ts', ENQUEUING_HANDLER);
    await agents.api.client.request(requests.enqueue, { type: 'wait', data: { trace } });
    const outcome = await eventually('its line', () => existsSync(trace) && readFileSync(trace));
    assert.equal(outcome.toString(), 'accepted');
  });
});

const ENQUEUING_HANDLER = `import { writeFileSync } from 'node:fs';
export default async (job, ctx) => {
  const { outcome } = await ctx.enqueue('echo', { from: 'handler' });
  writeFileSync(job.data.trace, outcome);
};
`;
