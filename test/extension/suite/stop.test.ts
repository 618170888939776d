import * as assert from 'node:assert/strict';
import * as vscode from 'vscode';
import { COMMANDS, VIEWS } from '../../../src/contributions.ts';
import { eventually } from '../../harness/eventually.ts';
import { leftProcesses } from '../../harness/leftProcesses.mjs';
import { rowsOf, snapshot, waitForState } from './interlock.ts';

const STOP_DEADLINE_MS = 5_000;

describe('stopping the agent', () => {
  before(() => waitForState('running'));

  it('restarts as another process', async () => {
    const before = (await snapshot()).agent['agent']?.pid;
    await vscode.commands.executeCommand(COMMANDS.agentRestart);
    await eventually('another agent', async () => {
      const now = (await snapshot()).agent['agent']?.pid;
      return now !== undefined && now !== before;
    });
  });

  it('leaves no process: no agent, no handler process, no Redis', async () => {
    const running = (await snapshot()).agent['agent'];
    assert.ok(running);
    const alive = await leftProcesses(running.stateFolder, 0);
    assert.ok(alive.length >= 2, 'the agent and its Redis are seen while they run');

    await vscode.commands.executeCommand(COMMANDS.agentStop);

    await waitForState('stopped');
    for (const view of [VIEWS.locks, VIEWS.decisions])
      assert.deepEqual(await rowsOf(view), [], `${view} is empty`);
    const left = await leftProcesses(running.stateFolder, STOP_DEADLINE_MS);
    assert.deepEqual(
      left.map(({ command }) => command),
      [],
    );
  });
});
