import assert from 'node:assert/strict';
import * as z from 'zod';
import { requests } from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { interlock, interlockJson } from './interlock.ts';

const drained = z.object({
  removed: z.number(),
  decision: z.object({ action: z.string(), subject: z.string() }).nullable(),
});

describe('interlock drain', () => {
  let workspace: TestWorkspace;
  let agent: AgentProcess;

  before(async () => {
    workspace = makeWorkspace(
      { jobs: { echo: { handler: './echo.ts', queue: 'bulk' } } },
      { 'echo.ts': ECHO_HANDLER },
    );
    agent = await AgentProcess.start(workspace);
    await agent.client.request(requests.pauseQueue, { queue: 'bulk' });
    await agent.client.request(requests.enqueue, { type: 'echo', count: 3 });
  });
  after(async () => {
    await agent.stop();
    workspace.remove();
  });

  const waiting = async () => (await agent.client.request(requests.jobs, { queue: 'bulk' })).length;

  it('only says how many with --dry-run, and refuses where nobody can be asked', async () => {
    const { code, json } = await interlockJson(workspace, drained, 'drain', 'bulk', '--dry-run');
    assert.deepEqual([code, json], [0, { removed: 3, decision: null }]);
    const unasked = await interlock(workspace, 'drain', 'bulk');
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, /3 jobs would be removed from queue bulk.*\nAdd --yes/);
    assert.equal(await waiting(), 3);
  });

  it('removes them with --yes, and "why" tells it', async () => {
    const { code, stdout } = await interlock(workspace, 'drain', 'bulk', '--yes');
    assert.deepEqual([code, stdout], [0, 'Queue bulk: 3 jobs removed.\n']);
    assert.equal(await waiting(), 0);
    const why = await interlock(workspace, 'why', 'bulk');
    assert.match(why.stdout, /Emptied queue bulk.*rule: drained_by_person/);
    const again = await interlock(workspace, 'drain', 'bulk', '--yes');
    assert.deepEqual([again.code, again.stdout], [0, '0 jobs would be removed from queue bulk.\n']);
  });

  it('says which queues there are where it does not know one', async () => {
    const { code, stderr } = await interlock(workspace, 'drain', 'none', '--yes');
    assert.equal(code, 1);
    assert.match(stderr, /no queue "none".*\nUse one of default, bulk/);
  });
});
