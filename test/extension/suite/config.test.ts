import * as assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import * as vscode from 'vscode';
import { CONFIG_FILE } from '../../../agent/config/load.ts';
import { COMMANDS } from '../../../src/contributions.ts';
import { eventually } from '../../harness/eventually.ts';
import { interlock, snapshot, waitForState, workspaceFolder } from './interlock.ts';

describe('a config with a problem', () => {
  const file = () => path.join(workspaceFolder(), CONFIG_FILE);
  let good = '';

  before(async () => {
    await waitForState('running');
    good = readFileSync(file(), 'utf8');
  });

  it('does not replace the one that is in force, and is told', async () => {
    writeFileSync(file(), good.replace('"jobs"', '"jobz"'));
    const trouble = await eventually(
      'the trouble to be told',
      async () => (await snapshot()).agent['agent']?.configTrouble,
    );
    assert.match(trouble, /jobz/);
    assert.equal((await interlock()).state(), 'running');
  });

  it('keeps an agent from starting, with the state "failed"; saved without it, the agent starts', async () => {
    await vscode.commands.executeCommand(COMMANDS.agentStop);
    await waitForState('stopped');
    await vscode.commands.executeCommand(COMMANDS.agentStart);
    await waitForState('failed');
    writeFileSync(file(), good);
    await waitForState('running');
  });
});
