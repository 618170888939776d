import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Redis } from 'ioredis';
import * as z from 'zod';
import { AgentClient } from '../../../agent/protocol/agentClient.ts';
import { AGENT_RECORD_FILE, readAgentRecord } from '../../../agent/protocol/agentRecord.ts';
import { requests } from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { isAlive, startProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import {
  ECHO_HANDLER,
  makeWorkspace,
  PROJECT_ROOT,
  WAIT_HANDLER,
  type TestWorkspace,
} from '../../harness/workspace.ts';

const CONFIG = { jobs: { echo: { handler: './echo.ts' }, wait: { handler: './wait.ts' } } };
const FILES = { 'echo.ts': ECHO_HANDLER, 'wait.ts': WAIT_HANDLER };

/** Ids of the processes whose command line names this folder. Handler processes are told by their parent. */
function processesOf(workspace: TestWorkspace): number[] {
  const lines = execFileSync('ps', ['-eo', 'pid=,ppid=,args='], { encoding: 'utf8' }).split('\n');
  const rows = lines.flatMap((line) => {
    const match = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line);
    return match === null
      ? []
      : [{ pid: Number(match[1]), ppid: Number(match[2]), args: match[3] ?? '' }];
  });
  const found = new Set(
    rows
      .filter((row) => row.args.includes(path.dirname(workspace.stateFolder)))
      .map((row) => row.pid),
  );
  for (const row of rows) if (found.has(row.ppid)) found.add(row.pid);
  return [...found];
}

async function redisPidOf(workspace: TestWorkspace): Promise<number> {
  const redis = new Redis({ path: path.join(workspace.stateFolder, 'redis.sock') });
  try {
    return Number(/^process_id:(\d+)/m.exec(await redis.info('server'))?.[1]);
  } finally {
    redis.disconnect();
  }
}

describe('the life of an agent', () => {
  let workspace: TestWorkspace;
  const agents: AgentProcess[] = [];

  beforeEach(() => (workspace = makeWorkspace(CONFIG, FILES)));
  afterEach(async () => {
    await Promise.all(agents.splice(0).map((agent) => agent.kill()));
    for (const pid of processesOf(workspace)) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // It ended by itself meanwhile.
      }
    }
    workspace.remove();
  });

  async function start(env: NodeJS.ProcessEnv = {}): Promise<AgentProcess> {
    const agent = await AgentProcess.start(workspace, { env });
    agents.push(agent);
    return agent;
  }

  /** For starts that fail. @returns how it ended, and the line for whoever started it */
  async function fail(env: NodeJS.ProcessEnv = {}) {
    const agent = await AgentProcess.spawn(workspace, { env });
    agents.push(agent);
    const code = await agent.ended;
    const line =
      agent
        .output()
        .split('\n')
        .find((text) => text.startsWith('{"error"')) ?? '';
    const shape = z.object({
      error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
    });
    return { code, error: shape.parse(JSON.parse(line)).error };
  }

  async function enqueueWaiting(agent: AgentProcess, name: string) {
    const until = path.join(workspace.folder, `${name}.until`);
    const trace = path.join(workspace.folder, `${name}.trace`);
    const data = { until, trace };
    const [decision] = await agent.client.request(requests.enqueue, { type: 'wait', data });
    const runs = () => (existsSync(trace) ? readFileSync(trace, 'utf8').trim().split('\n') : []);
    await eventually('the run', () => runs().length === 1);
    return { id: decision?.jobId ?? '', runs, end: () => writeFileSync(until, '') };
  }

  const jobIn = (agent: AgentProcess, id: string, state: string) =>
    eventually(`job ${id} to be ${state}`, async () => {
      const job = await agent.client.request(requests.job, { id });
      return job.state === state && job;
    });

  it('leaves nothing running: no agent, handler process, keeper or Redis', async () => {
    const agent = await start();
    const job = await enqueueWaiting(agent, 'a');
    job.end();
    await jobIn(agent, job.id, 'completed');
    assert.ok(processesOf(workspace).length >= 4, 'agent, handler process, keeper and Redis');
    await agent.stop();
    await eventually('all of it to end', () => processesOf(workspace).length === 0);
    assert.equal(existsSync(path.join(workspace.stateFolder, AGENT_RECORD_FILE)), false);
    assert.equal(existsSync(path.join(workspace.stateFolder, 'agent.sock')), false);
  });

  it('keeps its folder, socket, record and token to itself', async () => {
    const agent = await start();
    const modeOf = (file: string) => statSync(path.join(agent.stateFolder, file)).mode & 0o777;
    assert.deepEqual(['.', 'agent.sock', AGENT_RECORD_FILE].map(modeOf), [0o700, 0o600, 0o600]);
    const { token } = readAgentRecord(agent.stateFolder) ?? { token: '?' };
    const texts = readdirSync(agent.stateFolder)
      .filter((file) => file.endsWith('.log'))
      .map((file) => readFileSync(path.join(agent.stateFolder, file), 'utf8'));
    assert.ok(texts.every((text) => !text.includes(token)));
  });

  it('ends with 2 and says what is wrong with a config', async () => {
    workspace.writeConfig({ jobs: { echo: { handler: './echo.ts', lease: { ttl: 'soon' } } } });
    const { code, error } = await fail();
    assert.deepEqual([code, error.code], [2, 'bad_config']);
    assert.match(error.message, /jobs\.echo\.lease\.ttl = "soon": expected a duration/);
    assert.deepEqual(processesOf(workspace), []);
  });

  it('ends with 4 where there is no Redis at the address', async () => {
    const { code, error } = await fail({ REDIS_URL: 'redis://127.0.0.1:1' });
    assert.deepEqual([code, error.code], [4, 'redis_unreachable']);
    assert.match(error.message, /127\.0\.0\.1:1.*ECONNREFUSED/);
  });

  it('ends with 4 where Redis refuses the password, which it does not repeat', async () => {
    const server = await RedisServer.start();
    const admin = server.client();
    await admin.config('SET', 'requirepass', 'right');
    await admin.config('SET', 'port', '0');
    for (const url of [server.socketPath, server.url]) {
      const { code, error } = await fail({ REDIS_URL: url });
      assert.deepEqual([code, error.code], [4, 'redis_refused'], error.message);
      assert.match(error.remedy, /user and password/);
    }
    await server.stop();
  });

  it('ends with 2 for an address that is none', async () => {
    const { code, error } = await fail({ REDIS_URL: 'localhost:6379' });
    assert.deepEqual([code, error.code], [2, 'bad_usage']);
  });

  it('ends with 1 where another agent has the state folder, which goes on', async () => {
    const first = await start();
    const { code, error } = await fail();
    assert.deepEqual([code, error.code], [1, 'already_running']);
    assert.equal((await first.client.request(requests.status, {})).pid, first.pid);
    assert.equal(readAgentRecord(first.stateFolder)?.pid, first.pid);
  });

  it('takes the place of one that left its socket and record behind', async () => {
    const first = await start();
    await first.kill();
    assert.ok(existsSync(path.join(workspace.stateFolder, 'agent.sock')));
    const second = await start();
    assert.equal(readAgentRecord(second.stateFolder)?.pid, second.pid);
  });

  it('starts over a socket and a record that are nonsense', async () => {
    mkdirSync(workspace.stateFolder, { recursive: true });
    for (const file of ['agent.sock', AGENT_RECORD_FILE]) {
      writeFileSync(path.join(workspace.stateFolder, file), 'nonsense');
    }
    const agent = await start();
    assert.equal((await agent.client.request(requests.status, {})).pid, agent.pid);
  });

  it('loses nothing by kill -9: a successor finishes the job, in a second run', async () => {
    const first = await start();
    const job = await enqueueWaiting(first, 'a');
    const queued = await first.client.request(requests.enqueue, { type: 'echo', count: 20 });
    const hosts = processesOf(workspace).filter((pid) => pid !== first.pid);
    await first.kill();
    const second = await start();
    await eventually('the second run', () => job.runs().length === 2);
    job.end();
    const done = await jobIn(second, job.id, 'completed');
    assert.equal(done.failedReason, null);
    for (const { jobId } of queued) await jobIn(second, jobId ?? '', 'completed');
    assert.equal(job.runs().length, 2, 'once more and no more');
    const firstHost = Number(job.runs()[0]?.split(' ')[0]);
    assert.ok(hosts.includes(firstHost));
    assert.equal(isAlive(firstHost), false, 'the handler process of the dead agent has ended');
  });

  it('brings its private Redis back when that is killed, with everything that was in it', async () => {
    const agent = await start();
    const job = await enqueueWaiting(agent, 'a');
    const [queued] = await agent.client.request(requests.enqueue, { type: 'echo' });
    await jobIn(agent, queued?.jobId ?? '', 'completed');
    // More than a second: Redis syncs its append-only file once in each.
    await eventually('the append-only file to be synced', async () => {
      const { ageMs } = (await agent.client.request(requests.locks, {})).rows.find(
        ({ kind }) => kind === 'run',
      ) ?? { ageMs: 0 };
      return (ageMs ?? 0) > 1_500;
    });
    process.kill(await redisPidOf(workspace), 'SIGKILL');
    const again = await eventually('Redis to be back', async () => {
      const row = await agent.client.request(requests.job, { id: queued?.jobId ?? '' });
      return row.state === 'completed' && agent.client.request(requests.status, {});
    });
    assert.equal(again.redis.state, 'connected');
    job.end();
    await jobIn(agent, job.id, 'completed');
    const [later] = await agent.client.request(requests.enqueue, { type: 'echo' });
    await jobIn(agent, later?.jobId ?? '', 'completed');
  });

  it('gives a long job back on SIGTERM: it waits again with its attempts, in 5 s', async () => {
    const server = await RedisServer.start();
    const first = await start({ REDIS_URL: server.url });
    const job = await enqueueWaiting(first, 'a');
    const startedAt = performance.now();
    assert.equal(await first.terminate(), 0);
    assert.ok(performance.now() - startedAt < 5_500);
    const key = `bull:default:${job.id}`;
    assert.deepEqual(await server.client().lrange('bull:default:wait', 0, -1), [job.id]);
    assert.equal((await server.client().hget(key, 'atm')) ?? '0', '0');
    const second = await start({ REDIS_URL: server.url });
    job.end();
    assert.equal((await jobIn(second, job.id, 'completed')).attemptsMade, 1);
    await second.stop();
    await server.stop();
  });

  for (const how of ['frozen', 'gone'] as const) {
    it(`ends within 5 s of SIGTERM while its Redis is ${how} and a job runs`, async () => {
      const server = await RedisServer.start();
      const agent = await start({ REDIS_URL: server.url });
      const job = await enqueueWaiting(agent, 'a');
      if (how === 'gone') await server.kill();
      else process.kill(server.pid ?? 0, 'SIGSTOP');
      const startedAt = performance.now();
      try {
        process.kill(agent.pid, 'SIGTERM');
        assert.equal(await agent.ended, 0);
        const took = performance.now() - startedAt;
        assert.ok(took < 6_000, `${took} ms`);
      } finally {
        if (how === 'frozen') process.kill(server.pid ?? 0, 'SIGCONT');
        await server.stop();
      }
      const host = Number(job.runs()[0]?.split(' ')[0]);
      await eventually('the end of the handler process', () => !isAlive(host));
    });
  }

  describe('that leaves when nobody needs it', () => {
    async function startLeaving(idleExitMs: number) {
      const program = path.join(PROJECT_ROOT, 'dist', 'agent.js');
      const args = ['--workspace', workspace.folder, '--state-dir', workspace.stateFolder];
      const started = await startProcess(
        process.execPath,
        [program, ...args, '--idle-exit-ms', String(idleExitMs)],
        { env: { ...process.env, REDIS_URL: '' } },
      );
      const client = await eventually('the agent', () => {
        const record = readAgentRecord(workspace.stateFolder);
        return record && AgentClient.connect(record, { kind: 'test', version: '0' });
      });
      return { started, client };
    }

    it('stays for a client and for a run, and leaves after both', async () => {
      const { started, client } = await startLeaving(1_500);
      const until = path.join(workspace.folder, 'until');
      const trace = path.join(workspace.folder, 'trace');
      const startedAt = performance.now();
      await eventually('twice its time', () => performance.now() - startedAt > 3_000);
      await client.request(requests.enqueue, { type: 'wait', data: { until, trace } });
      await eventually('the run', () => existsSync(trace));
      client.dispose();
      const leftAt = performance.now();
      await eventually('twice its time', () => performance.now() - leftAt > 3_000);
      assert.ok(isAlive(started.pid), 'it stays for the run');
      writeFileSync(until, '');
      assert.equal(await started.ended, 0);
      await eventually('all of it to end', () => processesOf(workspace).length === 0);
    });
  });
});
