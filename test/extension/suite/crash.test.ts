import * as assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { eventually } from '../../harness/eventually.ts';
import {
  enqueue,
  jobDetail,
  snapshot,
  waitForJob,
  waitForState,
  workspaceFolder,
} from './interlock.ts';

describe('kill -9 of the agent while a job runs', () => {
  before(() => waitForState('running'));

  it('brings a new agent up that finishes the job; the private Redis lost nothing', async () => {
    const until = path.join(workspaceFolder(), 'open-crash');
    const trace = path.join(workspaceFolder(), 'trace-crash');
    const kept = await enqueue('echo', { kept: 'yes' });
    await waitForJob(kept, 'completed');
    const id = await enqueue('wait', { until, trace });
    await waitForJob(id, 'active');
    const before = (await snapshot()).agent['agent'];
    assert.ok(before);

    process.kill(before.pid, 'SIGKILL');

    const after = await eventually('another agent', async () => {
      const now = (await snapshot()).agent['agent'];
      return now !== undefined && now.pid !== before.pid && now;
    });
    assert.notEqual(after.agentId, before.agentId);
    assert.equal((await jobDetail(kept)).state, 'completed');
    await eventually('the second start of the job', () => startsIn(trace).length === 2);
    writeFileSync(until, '');
    await waitForJob(id, 'completed');

    const fences = startsIn(trace).map(({ fence }) => fence);
    assert.ok(Number(fences[1]) > Number(fences[0]), `fencing tokens ${fences.join(', ')}`);
  });
});

function startsIn(trace: string): { pid: string; fence: string }[] {
  const lines = readFileSync(trace, 'utf8').split('\n').filter(Boolean);
  return lines.map((line) => {
    const [pid = '', fence = ''] = line.split(' ');
    return { pid, fence };
  });
}
