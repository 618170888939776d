import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { InterlockError, type ErrorCode } from '../../../agent/common/errors.ts';
import { AgentClient } from '../../../agent/protocol/agentClient.ts';
import { readAgentRecord, type AgentRecord } from '../../../agent/protocol/agentRecord.ts';
import { requests } from '../../../agent/protocol/api.ts';
import { PROTOCOL_VERSION } from '../../../agent/protocol/version.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { frame, RawClient } from './rawClient.ts';

const CONFIG = { jobs: { echo: { handler: './echo.ts' } } };
const CLIENT = { kind: 'test', version: '0', pid: 1 } as const;

describe('bad input on the socket', () => {
  let workspace: TestWorkspace;
  let agent: AgentProcess;
  let record: AgentRecord;
  const raws: RawClient[] = [];

  before(async function () {
    workspace = makeWorkspace(CONFIG, { 'echo.ts': ECHO_HANDLER });
    agent = await AgentProcess.start(workspace);
    const found = readAgentRecord(agent.stateFolder);
    assert.ok(found !== undefined);
    record = found;
  });
  after(async () => {
    await agent.stop();
    workspace.remove();
  });
  /** Whatever came: the agent and its other clients live on. */
  afterEach(async () => {
    for (const raw of raws.splice(0)) raw.close();
    assert.equal((await agent.client.request(requests.status, {})).pid, agent.pid);
  });

  async function raw(): Promise<RawClient> {
    const client = await RawClient.connect(record.socketPath);
    raws.push(client);
    return client;
  }

  async function greeted(): Promise<RawClient> {
    const client = await raw();
    const hello = { token: record.token, protocol: PROTOCOL_VERSION, client: CLIENT };
    assert.equal((await client.request('hello', hello)).error, undefined);
    return client;
  }

  const coded = (code: ErrorCode, message: RegExp, remedy: RegExp) => (error: unknown) => {
    assert.ok(error instanceof InterlockError);
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.match(error.remedy ?? '', remedy);
    return true;
  };

  for (const [what, bytes] of [
    ['random bytes', randomBytes(100_000)],
    ['an HTTP request', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n'],
    ['a header that never ends', 'x'.repeat(100_000)],
    ['a header without a length', 'Content-Type: x\r\n\r\n{}'],
  ] as const) {
    it(`${what}: the client is cut`, async () => {
      const client = await raw();
      client.write(bytes);
      await eventually('the end', () => client.ended);
    });
  }

  it('half a frame, a length far too long or nothing at all: cut when the hello is overdue', async () => {
    const beginnings = [
      'Content-Length: 500\r\n\r\n{"a',
      'Content-Length: 999999999999\r\n\r\n{',
      '',
    ];
    const clients = await Promise.all(
      beginnings.map(async (bytes) => {
        const client = await raw();
        client.write(bytes);
        return client;
      }),
    );
    const ended = () => clients.every((client) => client.ended);
    await eventually('the end of all', ended);
  });

  for (const [what, bytes] of [
    ['a frame that is not JSON', frame('{"jsonrpc":')],
    ['an empty frame', frame('')],
    ['frames that are no messages', ['null', '5', '[]', '{}', '"x"', '[[1]]'].map(frame).join('')],
    ['an answer that nobody asked for', frame('{"jsonrpc":"2.0","id":77,"result":{}}')],
    ['a notification of no kind', frame('{"jsonrpc":"2.0","method":"no/such","params":{}}')],
    [
      'a cancellation of nothing',
      frame('{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":5}}'),
    ],
    [
      'ids of odd kinds',
      frame('{"jsonrpc":"2.0","id":null,"method":"agent/status"}') +
        frame('{"jsonrpc":"2.0","id":{},"method":"agent/status"}'),
    ],
  ] as const) {
    it(`${what}: the connection lives on`, async () => {
      const client = await greeted();
      client.write(bytes);
      assert.equal((await client.request('agent/status', {})).error, undefined);
    });
  }

  it('answers a request that comes in single bytes', async () => {
    const client = await greeted();
    for (const byte of frame('{"jsonrpc":"2.0","id":900,"method":"agent/status","params":{}}'))
      client.write(byte);
    await eventually('the answer', () => client.answers().some((answer) => answer.id === 900));
  });

  it('names the method that it does not know', async () => {
    const { error } = await (await greeted()).request('no/such', {});
    assert.equal(error?.data?.code, 'bad_params');
    assert.match(error.message, /no\/such/);
    assert.match(error.data.remedy ?? '', /same version/);
  });

  it('takes a request without params where none are needed, and names the missing field elsewhere', async () => {
    const client = await greeted();
    for (const method of ['agent/status', 'agent/log', 'state/unsubscribe', 'decisions/list']) {
      assert.equal((await client.request(method)).error, undefined, method);
    }
    const { error } = await client.request('jobs/enqueue');
    assert.equal(error?.data?.code, 'bad_params');
    assert.match(error.message, /type/);
    assert.doesNotMatch(error.message, /_isCancelled|onCancellationRequested/);
  });

  for (const definition of Object.values(requests)) {
    if (definition.params.safeParse({}).success && Object.keys(definition.params).length === 0)
      continue;
    const { method } = definition;
    it(`${method}: parameters of the wrong kind get a coded error`, async () => {
      const client = await greeted();
      for (const params of [
        5,
        'text',
        true,
        null,
        [1, 2, 3],
        [{ odd: 1 }, 'x'],
        { odd: { deep: [] } },
      ]) {
        if (definition.params.safeParse(params ?? {}).success) continue;
        if (Array.isArray(params) && definition.params.safeParse(params[0] ?? {}).success) continue;
        const { error } = await client.request(method, params);
        assert.ok(error !== undefined, `${method} took ${JSON.stringify(params)}`);
        assert.equal(error.data?.code, 'bad_params');
        assert.ok(error.message.startsWith(method), error.message);
      }
    });
  }

  it('names the field that is wrong', async () => {
    const client = await greeted();
    for (const [method, params, field] of [
      ['jobs/enqueue', { type: 'echo', count: 0 }, 'count'],
      ['jobs/list', { state: 'sleeping' }, 'state'],
      ['jobs/list', { limit: 1e9 }, 'limit'],
      ['agent/log', { lines: '5' }, 'lines'],
      ['queues/pause', { queue: '' }, 'queue'],
      ['simulate/duplicates', { jobType: 'echo', processes: 1_000 }, 'processes'],
    ] as const) {
      const { error } = await client.request(method, params);
      assert.equal(error?.data?.code, 'bad_params');
      assert.match(error.message, new RegExp(`at ${field}`));
    }
  });

  it('answers with a coded error for what is not there', async () => {
    const client = await greeted();
    for (const [method, params] of [
      ['jobs/get', { id: 'no-such-job' }],
      ['jobs/enqueue', { type: 'no-such-type' }],
      ['jobs/enqueue', { type: 'constructor' }],
      ['queues/pause', { queue: 'no-such-queue' }],
      ['schedules/run', { name: 'no-such-schedule' }],
      ['streams/start', { name: 'no-such-stream' }],
      ['streams/start', { name: 'constructor' }],
      ['simulate/duplicates', { jobType: 'no-such-type' }],
    ] as const) {
      const { error } = await client.request(method, params);
      assert.equal(error?.data?.code, 'not_found', `${method}: ${JSON.stringify(error)}`);
      assert.ok(error.data.remedy !== undefined, method);
    }
  });

  it('refuses every request before hello but hello and drain', async () => {
    const client = await raw();
    for (const { method } of Object.values(requests)) {
      if (method === 'hello' || method === 'agent/drain') continue;
      const { error } = await client.request(method, {});
      assert.equal(error?.data?.code, 'unauthorized', method);
      assert.match(error.message, new RegExp(method));
    }
    assert.equal((await agent.client.request(requests.status, {})).draining, false);
  });

  it('refuses a wrong token, of any length, and says where the right one is', async () => {
    for (const token of [
      '',
      'x',
      record.token.slice(1),
      `${record.token}x`,
      record.token.toUpperCase() + '!',
    ]) {
      const connecting = AgentClient.connect({ ...record, token }, CLIENT);
      await assert.rejects(connecting, coded('unauthorized', /token/, /agent\.json/));
    }
    const client = await raw();
    const { error } = await client.request('agent/drain', { token: 'x' });
    assert.equal(error?.data?.code, 'unauthorized');
    assert.equal((await agent.client.request(requests.status, {})).draining, false);
  });

  it('refuses another version of the protocol, and tells each side what to do', async () => {
    for (const [protocol, remedy] of [
      [PROTOCOL_VERSION - 1, /Update the test/],
      [PROTOCOL_VERSION + 1, /agent is older.*agent\/drain/],
    ] as const) {
      const client = await raw();
      const { error } = await client.request('hello', {
        token: record.token,
        protocol,
        client: CLIENT,
      });
      assert.equal(error?.data?.code, 'version_mismatch');
      assert.match(error.data.remedy ?? '', remedy);
      const after = await client.request('agent/status', {});
      assert.equal(after.error?.data?.code, 'unauthorized');
    }
  });
});
