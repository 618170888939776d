import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import * as path from 'node:path';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node';
import * as z from 'zod';
import { InterlockError } from '../../../agent/common/errors.ts';
import { readAgentRecord, type AgentRecord } from '../../../agent/protocol/agentRecord.ts';
import { toResponseError } from '../../../agent/protocol/rpcErrors.ts';
import { PROTOCOL_VERSION } from '../../../agent/protocol/version.ts';
import { startProcess } from '../../harness/childProcess.ts';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { errorDocument } from './errorDocument.ts';
import { interlock, interlockJson } from './interlock.ts';

/** Something else at the agent's address: a real socket that talks wrongly. */
describe('what listens where an agent should', () => {
  let workspace: TestWorkspace;
  let server: Server | undefined;
  const sockets: Socket[] = [];

  const record = (facts: Partial<AgentRecord> = {}): AgentRecord => ({
    ...{ pid: process.pid, processStart: null, token: 't', protocol: PROTOCOL_VERSION },
    ...{ version: '0', agentId: 'a', socketPath: path.join(workspace.stateFolder, 'x.sock') },
    ...facts,
  });
  const writeRecord = (facts: AgentRecord) =>
    writeFileSync(path.join(workspace.stateFolder, 'agent.json'), JSON.stringify(facts));
  const listen = async (talk: (socket: Socket) => void, facts: Partial<AgentRecord> = {}) => {
    const listening = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => undefined);
      talk(socket);
    });
    server = listening;
    writeRecord(record(facts));
    await new Promise<void>((resolve) => listening.listen(record().socketPath, resolve));
  };
  const status = () => interlockJson(workspace, errorDocument, 'status');

  beforeEach(() => {
    workspace = makeWorkspace({});
    mkdirSync(workspace.stateFolder, { recursive: true, mode: 0o700 });
  });

  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy();
    server?.close();
    server = undefined;
    workspace.remove();
    await Promise.resolve();
  });

  it('may be nobody: the record of an agent that died counts for nothing', async () => {
    writeRecord(record());
    const { code, json } = await status();
    assert.equal(json.error.code, 'no_agent');
    assert.equal(code, 3);
  });

  it('may talk garbage', async () => {
    await listen((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const { code, json } = await status();
    assert.match(json.error.code, /no_agent|timeout/);
    assert.notEqual(json.error.remedy, null);
    assert.notEqual(code, 0);
  });

  it('may say nothing: it is given up after a while', async () => {
    await listen(() => undefined);
    const [{ code, json }, doctor] = await Promise.all([status(), interlock(workspace, 'doctor')]);
    assert.equal(json.error.code, 'timeout');
    assert.match(json.error.message, new RegExp(`process ${process.pid}\\) did not answer hello`));
    assert.match(json.error.remedy ?? '', /interlock restart/);
    assert.equal(code, 1);
    assert.match(doctor.stdout, /failure +agent +Process \d+ lives and is of no use/);
  });

  it('may be of a newer protocol: its age is told, and it is left alone', async () => {
    await listen(refuseVersion, { protocol: PROTOCOL_VERSION + 1 });
    for (const command of ['status', 'start']) {
      const { code, json } = await interlockJson(workspace, errorDocument, command);
      assert.equal(json.error.code, 'version_mismatch');
      assert.notEqual(json.error.remedy, null);
      assert.equal(code, 1);
    }
  });

  it('may be of an older protocol: start asks it to leave, waits for it, and starts its own', async () => {
    const old = await startProcess(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const drained: unknown[] = [];
    await listen(
      (socket) =>
        refuseVersion(socket).onRequest('agent/drain', (params: unknown) => {
          drained.push(params);
          old.child.kill();
          server?.close();
          return { runsInProgress: 0 };
        }),
      { protocol: PROTOCOL_VERSION - 1, pid: old.pid },
    );
    try {
      const result = z.looseObject({ outcome: z.literal('started') });
      const { code } = await interlockJson(workspace, result, 'start');
      assert.equal(code, 0);
      assert.deepEqual(drained, [{ token: 't' }]);
    } finally {
      old.child.kill('SIGKILL');
      await interlock(workspace, 'stop');
    }
  });

  it('may be an agent whose token is another', async () => {
    await interlock(workspace, 'start');
    const real = readAgentRecord(workspace.stateFolder);
    assert.ok(real !== undefined);
    try {
      writeRecord({ ...real, token: 'wrong' });
      const { code, json } = await status();
      assert.equal(json.error.code, 'unauthorized');
      assert.match(json.error.remedy ?? '', /agent\.json/);
      assert.equal(code, 1);
    } finally {
      writeRecord(real);
      await interlock(workspace, 'stop');
    }
  });
});

/** Answers hello as an agent of another protocol does. */
function refuseVersion(socket: Socket) {
  const connection = createMessageConnection(
    new StreamMessageReader(socket),
    new StreamMessageWriter(socket),
  );
  connection.onRequest('hello', () =>
    toResponseError(
      new InterlockError({
        code: 'version_mismatch',
        message: 'This agent speaks another protocol.',
        remedy: 'Update the older side.',
      }),
    ),
  );
  connection.listen();
  return connection;
}
