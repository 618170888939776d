import * as assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { requests } from '../../../agent/protocol/api.ts';
import { COMMANDS, VIEWS } from '../../../src/contributions.ts';
import { eventually } from '../../harness/eventually.ts';
import { answering } from './answering.ts';
import {
  enqueue,
  invoke,
  jobDetail,
  rowsOf,
  snapshot,
  waitForJob,
  waitForState,
  withClient,
  workspaceFolder,
} from './interlock.ts';

describe('every command works from the palette', () => {
  before(() => waitForState('running'));
  afterEach(() => vscode.commands.executeCommand('workbench.action.closeAllEditors'));

  it('enqueues a job, and shows it', async () => {
    const before = new Set(Object.keys((await snapshot()).jobs));
    await invoke(COMMANDS.jobEnqueue, 'pick', 'a completed job', async () =>
      Object.values((await snapshot()).jobs).some(
        (job) =>
          job.type === 'echo' && job.state === 'completed' && !before.has(`${job.queue}/${job.id}`),
      ),
    );
    await invoke(COMMANDS.jobShow, 'pick', 'the document of a job', () =>
      vscode.window.activeTextEditor?.document.uri.path.startsWith('/job/'),
    );
  });

  it('requeues a failed job', async () => {
    const cure = path.join(workspaceFolder(), 'cure-one');
    const id = await enqueue('fail', { cure });
    const failed = await waitForJob(id, 'failed');
    assert.match(failed.failedReason ?? '', /the gate is shut/);
    await eventually(
      'this window to know',
      async () => (await snapshot()).jobs[`broken/${id}`]?.state === 'failed',
    );
    writeFileSync(cure, '');
    await invoke(COMMANDS.jobRequeue, 'tick', 'the job to complete', async () => {
      return (await jobDetail(id)).state === 'completed';
    });
  });

  it('requeues all failed jobs', async () => {
    const cure = path.join(workspaceFolder(), 'cure-all');
    const ids = [await enqueue('fail', { cure }), await enqueue('fail', { cure })];
    for (const id of ids) await waitForJob(id, 'failed');
    writeFileSync(cure, '');
    await invoke(COMMANDS.jobRequeueAllFailed, 'none', 'both to complete', async () => {
      const states = await Promise.all(ids.map(async (id) => (await jobDetail(id)).state));
      return states.every((state) => state === 'completed');
    });
  });

  it('promotes a delayed job', async () => {
    const cure = path.join(workspaceFolder(), 'cure-later');
    const id = await enqueue('fail_later', { cure });
    await waitForJob(id, 'delayed');
    await eventually(
      'this window to know',
      async () => (await snapshot()).jobs[`later/${id}`]?.state === 'delayed',
    );
    writeFileSync(cure, '');
    await invoke(COMMANDS.jobPromote, 'tick', 'the job to complete', async () => {
      return (await jobDetail(id)).state === 'completed';
    });
  });

  it('pauses and resumes a queue', async () => {
    const paused = async () =>
      Object.values((await snapshot()).queues).filter((queue) => queue.paused).length;
    await invoke(COMMANDS.queuePause, 'pick', 'a paused queue', async () => (await paused()) > 0);
    await invoke(
      COMMANDS.queueResume,
      'pick',
      'no paused queue',
      async () => (await paused()) === 0,
    );
  });

  it('runs a schedule now', async () => {
    const runs = async () =>
      Object.values((await snapshot()).jobs).filter(
        ({ type, state }) => type === 'echo' && state === 'completed',
      ).length;
    const before = await runs();
    await invoke(COMMANDS.scheduleRun, 'pick', 'a job of the schedule to complete', async () => {
      return (await runs()) > before;
    });
  });

  it('simulates duplicate enqueues with real processes, and tells what came of it', async () => {
    await invoke(COMMANDS.simulateDuplicates, 'pick', 'the result', () =>
      vscode.window.activeTextEditor?.document.uri.path.startsWith('/simulation/'),
    );
    const text = vscode.window.activeTextEditor?.document.getText() ?? '';
    assert.match(text, /400/);
  });

  it('simulates a story, and shows its timeline', async () => {
    await answering({ picks: ['Page refresh', 'With protection'] }, () =>
      vscode.commands.executeCommand(COMMANDS.simulateStory),
    );
    const text = vscode.window.activeTextEditor?.document.getText() ?? '';
    assert.match(text, /^# Simulated story: Page refresh\n/);
    assert.match(text, /\n✓ \S/);
    assert.match(text, /\| +time \| +\| who +\| what happened/);
  });

  it('shows why a job was refused', async () => {
    const until = path.join(workspaceFolder(), 'open-refused');
    const first = await enqueue('wait', { until });
    const [refused] = await withClient((client) =>
      client.request(requests.enqueue, { type: 'wait', data: { until } }),
    );
    assert.match(refused?.outcome ?? '', /^already_/);
    assert.equal(refused?.survivor?.jobId, first);
    await eventually('the refusal in the view', async () =>
      (await rowsOf(VIEWS.decisions)).some(({ id }) => id.endsWith(refused.id)),
    );
    await invoke(COMMANDS.decisionShow, 'pick', 'the document of a decision', () =>
      vscode.window.activeTextEditor?.document.uri.path.startsWith('/decision/'),
    );
    writeFileSync(until, '');
    await waitForJob(first, 'completed');
  });

  it('opens the config file, also when asked to create it', async () => {
    for (const command of [COMMANDS.configOpen, COMMANDS.configCreate]) {
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      await invoke(command, 'none', 'the config file', () =>
        vscode.window.activeTextEditor?.document.uri.path.endsWith('/interlock.config.json'),
      );
    }
  });

  it('shows the log', async () => {
    await vscode.commands.executeCommand(COMMANDS.logShow);
  });
});
