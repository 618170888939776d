import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import * as z from 'zod';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { startInterlock, type RunningCommand } from '../cli/interlock.ts';
import { connectionsByAgent } from './roleWorkspace.ts';

const errorDocument = z.object({
  error: z.object({ code: z.string(), message: z.string(), remedy: z.string() }),
});
const statusDocument = z.object({ role: z.string(), agent: z.object({ stateFolder: z.string() }) });

describe('starting an agent of a role', () => {
  let server: RedisServer;
  let workspace: TestWorkspace;
  let home: string;
  const started: RunningCommand[] = [];

  before(async () => (server = await RedisServer.start()));
  after(() => server.stop());
  beforeEach(() => {
    workspace = makeWorkspace(
      {
        jobs: {
          echo: { handler: './echo.ts' },
          slow: { handler: './echo.ts', queue: 'slow' },
          custom: { handler: './echo.ts', unique: { by: 'function' } },
        },
        schedules: { nightly: { job: 'custom', cron: '0 3 * * *' } },
      },
      { 'echo.ts': ECHO_HANDLER },
    );
    home = path.join(workspace.folder, 'home');
    mkdirSync(home);
  });
  afterEach(async () => {
    for (const command of started) command.child.kill('SIGKILL');
    await Promise.all(started.splice(0).map(({ ended }) => ended));
    workspace.remove();
  });

  /** With the default state folders of a home folder that only this test has. */
  function run(args: string[], env: NodeJS.ProcessEnv = {}): RunningCommand {
    const own = { HOME: home, INTERLOCK_STATE_DIR: '', SERVICE_ROLE: '', REDIS_URL: server.url };
    const command = startInterlock(workspace, args, { ...own, ...env });
    started.push(command);
    return command;
  }

  async function fail(args: string[], env: NodeJS.ProcessEnv = {}) {
    const { code, stdout, stderr } = await run(args, env).ended;
    const line = `${stdout}\n${stderr}`.split('\n').find((text) => text.startsWith('{"error"'));
    return { code, error: errorDocument.parse(JSON.parse(line ?? stdout)).error };
  }

  const ready = (command: RunningCommand, role: string) =>
    eventually(`the agent of role ${role}`, () => {
      const lines = command.stdout().split('\n');
      return lines.some((line) => line.includes('agent ready') && line.includes(`"${role}"`));
    });

  it('takes the role of SERVICE_ROLE, the flag wins, and commands find it by either', async () => {
    const worker = run(['agent'], { SERVICE_ROLE: 'worker' });
    const api = run(['agent', '--role', 'api'], { SERVICE_ROLE: 'worker' });
    await Promise.all([ready(worker, 'worker'), ready(api, 'api')]);
    const found = await run(['status', '--json'], { SERVICE_ROLE: 'worker' }).ended;
    const status = statusDocument.parse(JSON.parse(found.stdout));
    assert.equal(status.role, 'worker');
    assert.match(status.agent.stateFolder, /-worker$/);

    const { code, error } = await fail(['status', '--json']);
    assert.deepEqual([code, error.code], [3, 'no_agent']);
    assert.match(error.remedy, /--state-dir \S+-api, or --state-dir \S+-worker\.$/);

    const forbidden = await fail(['enqueue', 'echo', '--json'], { SERVICE_ROLE: 'worker' });
    assert.deepEqual([forbidden.code, forbidden.error.code], [1, 'role_forbids']);
    assert.match(forbidden.error.remedy, /^Ask the agent of role api: process \d+ on /);

    const stopped = await run(['stop', '--role', 'worker']).ended;
    assert.equal(stopped.code, 0, stopped.stderr);
    assert.equal((await worker.ended).code, 0);
  });

  it('refuses a SERVICE_ROLE that is none, with its value and the roles there are', async () => {
    const { code, error } = await fail(['agent', '--json'], { SERVICE_ROLE: 'web' });
    assert.deepEqual([code, error.code], [2, 'bad_usage']);
    assert.match(error.message, /^SERVICE_ROLE is "web"/);
    assert.match(error.remedy, /api, calls, worker, scheduler, all/);
  });

  it('needs a Redis that the other roles can reach', async () => {
    const { code, error } = await fail(['agent', '--role', 'worker'], { REDIS_URL: '' });
    assert.deepEqual([code, error.code], [2, 'bad_config']);
    assert.match(error.message, /role worker needs a Redis that it shares/);
    assert.match(error.remedy, /"redis": \{ "url" \}.*REDIS_URL/);
  });

  it('refuses what the role could never do: a schedule whose key only a handler can tell', async () => {
    const { code, error } = await fail(['agent', '--role', 'scheduler']);
    assert.deepEqual([code, error.code], [2, 'bad_config']);
    assert.match(error.message, /schedules\.nightly \(job type custom\)/);
  });

  it('runs the jobs of the queues that it is told to, and of no other', async () => {
    const worker = run(['agent', '--role', 'worker', '--queues', 'slow']);
    await ready(worker, 'worker');
    const [names] = await eventually('its connections', async () => {
      const found = [...(await connectionsByAgent(server.client())).values()];
      return found.some((one) => one.includes('waits for slow')) && found;
    });
    assert.deepEqual(names, ['commands', 'events', 'waits for slow', 'workers']);
  });

  it('refuses a queue that no job type has, and queues where no jobs run', async () => {
    const unknown = await fail(['agent', '--role', 'worker'], { SERVICE_QUEUES: 'slow,lo' });
    assert.deepEqual([unknown.code, unknown.error.code], [2, 'bad_usage']);
    assert.match(unknown.error.message, /the queue lo of --queues/);
    assert.match(unknown.error.remedy, /default, slow/);
    const api = await fail(['agent', '--role', 'api', '--queues', 'slow']);
    assert.deepEqual([api.code, api.error.code], [2, 'bad_usage']);
    assert.match(api.error.message, /role api runs no jobs/);
  });

  it('says that ENABLE_SCHEDULERS has no effect, and what to set', async () => {
    const api = run(['agent', '--role', 'api'], { ENABLE_SCHEDULERS: 'true' });
    await ready(api, 'api');
    const told = /ENABLE_SCHEDULERS is deprecated and has no effect: set SERVICE_ROLE=scheduler/;
    assert.match(api.stderr(), told);
    assert.match(api.stdout(), told, 'in the log as well');
  });
});
