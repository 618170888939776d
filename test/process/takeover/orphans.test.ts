import assert from 'node:assert/strict';
import * as z from 'zod';
import { orphan } from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { interlock, interlockJson } from '../cli/interlock.ts';

describe('interlock orphans', () => {
  let server: RedisServer;
  let workspace: TestWorkspace;
  let agent: AgentProcess;
  const KEY = 'bull:theirs:de:echo|["a"]';
  const MINE = 'bull:default:de:echo|["a"]';

  before(async () => {
    server = await RedisServer.start();
    workspace = makeWorkspace(
      { jobs: { echo: { handler: './echo.ts' } } },
      { 'echo.ts': ECHO_HANDLER },
    );
    // Another has the turn to look through the key space: nothing goes by itself here.
    await server.client().set('bull:interlock:reaper-turn', 'another');
    agent = await AgentProcess.start(workspace, { env: { REDIS_URL: server.url } });
  });
  after(async () => {
    await agent.stop();
    workspace.remove();
    await server.stop();
  });
  beforeEach(async () => {
    await server.client().set(MINE, 'removed-job');
    await server.client().set(KEY, 'removed-job');
  });

  const json = (...args: string[]) => interlockJson(workspace, z.array(orphan), 'orphans', ...args);

  it('tells what would go and why, and changes nothing', async () => {
    const { code, json: found } = await json();
    assert.deepEqual([code, found.map(({ name }) => name).sort()], [0, [MINE, KEY].sort()]);
    assert.ok(found.every(({ removed }) => !removed));
    const { stdout } = await interlock(workspace, 'orphans');
    assert.match(stdout, /uniqueness key bull:default:de:echo\|\["a"\]/);
    assert.match(stdout, /job removed-job is not in Redis any more/);
    assert.match(stdout, /2 orphans\. Nothing was changed; "interlock orphans --remove"/);
    assert.equal(await server.client().exists(MINE, KEY), 2);
  });

  it('asks before it removes, and does not where nobody can be asked', async () => {
    const { code, stderr } = await interlock(workspace, 'orphans', '--remove');
    assert.equal(code, 2);
    assert.match(stderr, /nobody can be asked here.*\n.*--yes/);
    assert.equal(await server.client().exists(MINE, KEY), 2);
  });

  it('removes them with --yes, and leaves what is not ours', async () => {
    const { code, json: told } = await json('--remove', '--yes');
    assert.equal(code, 0);
    const removed = Object.fromEntries(told.map((one) => [one.name, one.removed]));
    assert.deepEqual(removed, { [MINE]: true, [KEY]: false });
    assert.equal(await server.client().exists(MINE), 0);
    await server.client().del(KEY);
    const { stdout } = await interlock(workspace, 'orphans', '--remove', '--yes');
    assert.match(stdout, /^No orphan/);
  });
});
