import assert from 'node:assert/strict';
import * as path from 'node:path';
import { Queue } from 'bullmq';
import * as z from 'zod';
import { requests } from '../../../agent/protocol/api.ts';
import { agentRow } from '../../../agent/protocol/model.ts';
import { Keys } from '../../../agent/redis/keys.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { deadHolder } from '../../harness/agentRedis.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeWorkspace, WAIT_HANDLER, type TestWorkspace } from '../../harness/workspace.ts';
import { interlock, interlockJson, startInterlock } from '../cli/interlock.ts';

const checks = z.array(
  z.looseObject({ name: z.string(), status: z.string(), message: z.string() }),
);

describe('what the doctor finds in a real Redis', function () {
  let server: RedisServer;
  let workspace: TestWorkspace;
  let until: string;
  const keys = new Keys('bull');

  before(async () => {
    server = await RedisServer.start();
    workspace = makeWorkspace(
      {
        redis: { url: server.url },
        jobs: { wait: { handler: './wait.ts', queue: 'low' } },
        schedules: { hourly: { job: 'wait', every: '1h', data: { until: '/' } } },
      },
      { 'wait.ts': WAIT_HANDLER },
    );
    until = path.join(workspace.folder, 'until');
  });
  after(async () => {
    workspace.remove();
    await server.stop();
  });
  afterEach(() => server.client().flushall());

  /** `status: message` of each check, by its name. */
  async function doctor(env: NodeJS.ProcessEnv = {}): Promise<Map<string, string>> {
    const { stdout } = await startInterlock(workspace, ['doctor', '--json'], env).ended;
    const found = checks.parse(JSON.parse(stdout));
    return new Map(found.map(({ name, status, message }) => [name, `${status}: ${message}`]));
  }

  it('settings that hurt', async () => {
    const redis = server.client();
    await redis.config('SET', 'maxmemory-policy', 'allkeys-lru');
    await redis.config('SET', 'maxmemory', '100mb');
    await redis.config('SET', 'appendonly', 'no');
    const found = await doctor({ ENABLE_SCHEDULERS: '1' });
    await redis.config('SET', 'maxmemory-policy', 'noeviction');
    await redis.config('SET', 'maxmemory', '0');
    await redis.config('SET', 'appendonly', 'yes');
    assert.match(found.get('redis memory') ?? '', /^failure: maxmemory-policy is allkeys-lru/);
    assert.match(found.get('redis persistence') ?? '', /^warning: Nothing is written to disk/);
    assert.match(found.get('environment') ?? '', /^warning: ENABLE_SCHEDULERS is deprecated/);
    assert.match(found.get('agent') ?? '', /^warning: No agent runs/);
    assert.equal(found.has('roles'), false, 'that no agent runs is told once');
  });

  it('a server that takes no writes', async () => {
    const redis = server.client();
    await redis.replicaof('127.0.0.1', '1');
    const found = await doctor();
    await redis.replicaof('NO', 'ONE');
    assert.match(found.get('redis writes') ?? '', /^failure: This server is a replica/);
  });

  it('a dead scheduler, a run that nobody has, and a queue without a worker', async () => {
    const redis = server.client();
    const dead = deadHolder();
    const now = Date.now();
    const name = 'scheduler:global_lock';
    await redis.hset(keys.lease(name), {
      ...{ name, kind: 'scheduler', subject: 'schedules', token: 't', fence: 1, ttl: 90_000 },
      ...{ holder: JSON.stringify(dead), acquiredAt: now - 60_000, renewedAt: now - 60_000 },
    });
    await redis.sadd(keys.leaseIndex, name);
    await redis.hset(keys.agents, dead.agentId, JSON.stringify({ ...dead, heartbeatMs: now }));
    await redis.hset(keys.job('low', 'j7'), {
      ...{ name: 'wait', data: '{}', opts: '{}', timestamp: now, processedOn: now - 7_200_000 },
    });
    await redis.lpush(keys.queue('low', 'active'), 'j7');
    const queue = new Queue('low', { connection: redis });
    await queue.pause();
    const found = await doctor();
    await queue.close();
    assert.match(
      found.get('scheduler') ?? '',
      /^warning: The holder of the scheduler lock is gone/,
    );
    assert.match(found.get('stuck jobs') ?? '', /^failure: wait low\/j7 for 2 h count as running/);
    assert.match(found.get('workers') ?? '', /^warning: Nobody works on low \(1 jobs\)/);
    assert.match(found.get('paused queues') ?? '', /^warning: .*low \(1 jobs\)/);
    assert.match(found.get('agents') ?? '', /^warning: worker \S+:\d+ is dead/);
  });

  it('agents that do everything, and what each holds', async () => {
    const agents: AgentProcess[] = [];
    try {
      agents.push(await AgentProcess.start(workspace));
      const second = { stateFolder: `${workspace.stateFolder}2` };
      agents.push(await AgentProcess.start(workspace, second));
      const [first] = agents;
      await first?.client.request(requests.enqueue, { type: 'wait', data: { until } });
      const rows = await eventually('the run in the list of agents', async () => {
        const { json } = await interlockJson(workspace, z.array(agentRow), 'agents');
        return json.some(({ runsInProgress }) => runsInProgress === 1) && json;
      });
      assert.deepEqual(rows.map(({ pid }) => pid).sort(), agents.map(({ pid }) => pid).sort());
      assert.deepEqual(rows.map(({ state }) => state).sort(), ['alive', 'self']);
      assert.deepEqual(
        rows.flatMap(({ leases }) => leases),
        ['scheduler:global_lock'],
      );
      const [table, status] = await Promise.all([
        interlock(workspace, 'agents'),
        interlock(workspace, 'status'),
      ]);
      assert.match(table.stdout, /^role +agent +process +state/);
      assert.match(table.stdout, /^all +a\w+ +\S+:\d+ +self .* scheduler:global_lock$/m);
      assert.match(status.stdout, /^Agents +2 agents: 2 all$/m);
      const found = await doctor();
      assert.match(found.get('agents') ?? '', /^ok: On this Redis: all .*, all /);
      for (const name of ['roles', 'scheduler', 'stuck jobs', 'workers', 'environment']) {
        assert.match(found.get(name) ?? '', /^ok: /, name);
      }
    } finally {
      workspace.write('until', '');
      await Promise.all(agents.map((agent) => agent.stop()));
    }
  });
});
