import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import * as path from 'node:path';
import * as z from 'zod';
import { messageOf } from '../../../agent/common/errors.ts';
import { AgentClient } from '../../../agent/protocol/agentClient.ts';
import { readAgentRecord } from '../../../agent/protocol/agentRecord.ts';
import { requests } from '../../../agent/protocol/api.ts';
import { runRow } from '../../../agent/protocol/model.ts';
import { endProcess, startProcess, type StartedProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { portOf } from '../../harness/portOf.ts';
import { PROJECT_ROOT, type TestWorkspace } from '../../harness/workspace.ts';
import { interlockJson, processesOf } from '../cli/interlock.ts';
import { makeNotificationsWorkspace, makeQuick } from './notificationsBench.ts';

/** They share one database with what runs in the agent. */
const IN_PROCESSES = ['webhookProcessJob', 'pushSendJob', 'broadcastJob'];

/** On a machine that others load as well. */
const ALL_DEADLINE_MS = 60_000;

async function freeUrl(): Promise<string> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const port = portOf(server);
  server.close();
  await once(server, 'close');
  return `http://127.0.0.1:${port}`;
}

describe('npm start with the notifications example', () => {
  let workspace: TestWorkspace;
  let start: StartedProcess;

  before(() => {
    workspace = makeNotificationsWorkspace();
    makeQuick(workspace, IN_PROCESSES);
  });
  after(async () => {
    await endProcess(start);
    workspace.remove();
  });

  /** @throws Error after the deadline, with what was written meanwhile */
  async function waitFor<T>(what: string, look: () => T | Promise<T>) {
    try {
      return await eventually(what, look, { deadlineMs: ALL_DEADLINE_MS, everyMs: 200 });
    } catch (error) {
      throw new Error(`${messageOf(error)}. It wrote:\n${start.output()}`, { cause: error });
    }
  }

  it('runs nine job types and four monitors by itself, and ends with everything it started', async () => {
    const [services, api] = [await freeUrl(), await freeUrl()];
    const args = ['--workspace', workspace.folder, '--state-dir', workspace.stateFolder, '--json'];
    start = await startProcess(
      process.execPath,
      [path.join(PROJECT_ROOT, 'examples', 'start.mjs'), ...args],
      {
        cwd: PROJECT_ROOT,
        env: {
          ...{ ...process.env, REDIS_URL: '', INTERLOCK_STATE_DIR: '' },
          ...{ NOTIFICATIONS_SERVICES_URL: services, NOTIFICATIONS_API_URL: api },
        },
      },
    );
    const client = await waitFor('an agent', () => {
      const record = readAgentRecord(workspace.stateFolder);
      return record && AgentClient.connect(record, { kind: 'test', version: '0' });
    });
    const completed = { status: 'completed', limit: 1_000 } as const;
    await waitFor('every type to have run', async () => {
      const { rows } = await client.request(requests.history, completed);
      assert.equal(new Set(rows.map(({ type }) => type)).size, 13);
      return true;
    });
    client.dispose();
    const { json } = await interlockJson(workspace, z.array(runRow), 'history');
    assert.equal(new Set(json.map(({ type }) => type)).size, 13);

    start.child.kill('SIGINT');
    assert.equal(await start.ended, 0);
    await eventually('everything to be gone', () => processesOf(workspace).length === 0);
    await assert.rejects(fetch(services), 'the servers of the example are gone as well');
    await assert.rejects(fetch(api));
  }).timeout(2 * ALL_DEADLINE_MS);
});
