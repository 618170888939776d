import assert from 'node:assert/strict';
import { InterlockError } from '../../../agent/common/errors.ts';
import { requests } from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { errorDocument } from './errorDocument.ts';
import { interlockJson } from './interlock.ts';

const SCHEMA = {
  type: 'object',
  properties: { network: { enum: ['mainnet', 'testnet'] } },
  required: ['network'],
};
const ASKS = `export default async (job, ctx) => {
  try {
    return await ctx.enqueue('chain', job.data);
  } catch (error) {
    return { message: error.message };
  }
};
`;
const MOON = { network: 'moon' };
const EXPECTED = /network = "moon": expected one of "mainnet"\|"testnet"/;

describe('a payload that does not fit the schema of its type', () => {
  let workspace: TestWorkspace;
  let agent: AgentProcess;

  before(async () => {
    workspace = makeWorkspace(
      {
        jobs: {
          chain: { handler: './echo.ts', schema: './schemas/chain.json' },
          asks: { handler: './asks.ts' },
        },
      },
      {
        'echo.ts': ECHO_HANDLER,
        'asks.ts': ASKS,
        'schemas/chain.json': JSON.stringify(SCHEMA),
      },
    );
    agent = await AgentProcess.start(workspace);
  });
  after(async () => {
    await agent.stop();
    workspace.remove();
  });

  const refused = (ask: Promise<unknown>) =>
    assert.rejects(ask, (error) => {
      assert.ok(error instanceof InterlockError);
      assert.equal(error.code, 'payload_invalid');
      assert.match(error.message, EXPECTED);
      return true;
    });

  async function ended(type: string, data: Record<string, string>) {
    const [decision] = await agent.client.request(requests.enqueue, { type, data });
    const id = decision?.jobId ?? '';
    return eventually('the end of the job', async () => {
      const job = await agent.client.request(requests.job, { id });
      return job.state === 'completed' && job;
    });
  }

  it('is bad usage of the command', async () => {
    const asked = ['enqueue', 'chain', '--data', JSON.stringify(MOON)];
    const { code, json } = await interlockJson(workspace, errorDocument, ...asked);
    assert.deepEqual([code, json.error.code], [2, 'payload_invalid']);
    assert.match(json.error.message, EXPECTED);
  });

  it('is refused whatever a client asks for it: a job, a replay, a run under the debugger', async () => {
    const { client } = agent;
    await refused(client.request(requests.enqueue, { type: 'chain', data: MOON, count: 3 }));
    await refused(client.request(requests.debugNew, { type: 'chain', data: MOON }));
    const { id } = await ended('chain', { network: 'mainnet' });
    await refused(client.request(requests.rerun, { id, data: MOON }));
    await refused(client.request(requests.debugJob, { id, data: MOON }));
    const { rows } = await client.request(requests.decisions, { outcome: 'refused' });
    assert.ok(rows.every(({ reason }) => reason === 'invalid_payload'));
    const left = await client.request(requests.jobs, { type: 'chain' });
    assert.deepEqual(
      left.map((job) => job.id),
      [id],
    );
  });

  it('is refused when a handler asks', async () => {
    const { result } = await ended('asks', MOON);
    assert.match(JSON.stringify(result), /does not fit the schema of job type chain/);
  });

  it('is told with its place in the text', async () => {
    const text = '{ "network": "moon" }';
    const [problem] = await agent.client.request(requests.checkPayload, { type: 'chain', text });
    assert.deepEqual([problem?.offset, problem?.length], [13, 6]);
    const none = await agent.client.request(requests.checkPayload, { type: 'asks', text });
    assert.deepEqual(none, []);
  });
});
