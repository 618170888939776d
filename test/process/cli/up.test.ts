import assert from 'node:assert/strict';
import * as z from 'zod';
import { readAgentRecord } from '../../../agent/protocol/agentRecord.ts';
import {
  agentStatus,
  lockRow,
  queueRow,
  redisStatus,
  streamRow,
} from '../../../agent/protocol/model.ts';
import { eventually } from '../../harness/eventually.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { errorDocument } from './errorDocument.ts';
import { interlock, interlockJson, processesOf, startInterlock } from './interlock.ts';

const summary = z.strictObject({
  forMs: z.number().int(),
  agent: agentStatus,
  redis: redisStatus,
  streams: z.array(streamRow),
  queues: z.array(queueRow),
  jobs: z.strictObject({
    completed: z.number(),
    failed: z.number(),
    active: z.number(),
    waiting: z.number(),
  }),
  schedulerLock: lockRow.nullable(),
  locks: z.array(lockRow),
  decisions: z.record(z.string(), z.number()),
  firstJobRunMs: z.number().int().nullable(),
});

describe('interlock up', () => {
  let workspace: TestWorkspace;
  const allGone = () =>
    eventually('every process to be gone', () => processesOf(workspace).length === 0);
  const agentPid = () => eventually('an agent', () => readAgentRecord(workspace.stateFolder)?.pid);

  beforeEach(() => {
    workspace = makeWorkspace(
      {
        jobs: { echo: { handler: './echo.ts' } },
        schedules: { often: { job: 'echo', every: '1s' } },
      },
      { 'echo.ts': ECHO_HANDLER },
    );
  });

  afterEach(async () => {
    await interlock(workspace, 'stop');
    workspace.remove();
  });

  it('ends by itself with one JSON document, and leaves nothing running', async () => {
    const { code, json } = await interlockJson(workspace, summary, 'up', '--for', '5s');
    assert.equal(code, 0);
    assert.ok(json.forMs >= 5_000 && json.forMs < 8_000, `${json.forMs} ms`);
    assert.ok(json.jobs.completed >= 3, `${json.jobs.completed} jobs`);
    assert.ok((json.decisions['accepted'] ?? 0) >= 3);
    assert.ok(json.firstJobRunMs !== null && json.firstJobRunMs > 0);
    assert.equal(json.schedulerLock?.name, 'scheduler:global_lock');
    assert.equal(json.schedulerLock.holder?.pid, json.agent.pid);
    await allGone();
  });

  it('writes plain lines where nothing can be redrawn, and stops in order on Ctrl+C', async () => {
    const up = startInterlock(workspace, ['up']);
    await eventually('a line with a job', () => /jobs [1-9]\d* completed/.test(up.stdout()));
    assert.ok(!up.stdout().includes('\u001b'));
    up.child.kill('SIGINT');
    const { code, stdout } = await up.ended;
    assert.equal(code, 0);
    assert.match(stdout, /\nThe agent has stopped\.\n$/);
    await allGone();
  });

  it('watches an agent that runs already, and leaves it running', async () => {
    await interlock(workspace, 'start');
    const pid = await agentPid();
    const up = startInterlock(workspace, ['up', '--for', '1s', '--json']);
    const { code, stdout, stderr } = await up.ended;
    assert.equal(code, 0);
    assert.match(stderr, new RegExp(`An agent runs already \\(process ${pid}\\)`));
    assert.equal(summary.parse(JSON.parse(stdout)).agent.pid, pid);
    assert.equal((await interlock(workspace, 'status')).code, 0);
  });

  it('says it when its agent dies', async () => {
    const up = startInterlock(workspace, ['up', '--json']);
    const pid = await agentPid();
    await eventually('up to watch', () => up.stderr().includes('scheduler:global_lock'));
    process.kill(pid, 'SIGKILL');
    const { code, stdout } = await up.ended;
    assert.match(
      errorDocument.parse(JSON.parse(stdout)).error.message,
      /ended with signal SIGKILL/,
    );
    assert.equal(code, 1);
  });

  it('ends in order when somebody stops its agent', async () => {
    const up = startInterlock(workspace, ['up']);
    await eventually('up to watch', () => up.stdout().includes('scheduler:global_lock'));
    await interlock(workspace, 'stop');
    assert.equal((await up.ended).code, 0);
    await allGone();
  });

  it('its agent does not outlive it for long when it is killed', async () => {
    const up = startInterlock(workspace, ['up']);
    await eventually('up to watch', () => up.stdout().includes('scheduler:global_lock'));
    up.child.kill('SIGKILL');
    await up.ended;
    await eventually('every process to be gone', () => processesOf(workspace).length === 0);
  });
});

describe('interlock agent', () => {
  it('logs JSON lines on stdout and ends on SIGTERM with 0', async () => {
    const workspace = makeWorkspace({});
    try {
      const agent = startInterlock(workspace, ['agent', '--role', 'all']);
      await eventually('the agent to be ready', () => agent.stdout().includes('agent ready'));
      assert.equal((await interlock(workspace, 'status')).code, 0);
      agent.child.kill('SIGTERM');
      const { code, stdout } = await agent.ended;
      assert.equal(code, 0);
      for (const line of stdout.trim().split('\n')) JSON.parse(line);
      await eventually('every process to be gone', () => processesOf(workspace).length === 0);
    } finally {
      workspace.remove();
    }
  });
});
