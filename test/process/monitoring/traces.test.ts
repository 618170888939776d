import assert from 'node:assert/strict';
import { createServer, type Server } from 'node:http';
import { text } from 'node:stream/consumers';
import * as z from 'zod';
import { requests } from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { portOf } from '../../harness/portOf.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { errorDocument } from '../cli/errorDocument.ts';
import { interlockJson } from '../cli/interlock.ts';

const span = z.object({
  ...{ name: z.string(), kind: z.number(), trace: z.string(), id: z.string() },
  parent: z.string().nullable(),
  attributes: z.record(z.string(), z.unknown()),
});
type Span = z.infer<typeof span>;

/** OpenTelemetry's own kinds. */
const [PRODUCER, CONSUMER] = [3, 4];

/** What docs/production.md tells people to write, with an exporter of a few lines. */
const telemetryModule = (url: string) => `
import { NodeTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import { BullMQOtel } from 'bullmq-otel';
const post = (body: unknown) => fetch('${url}', { method: 'POST', body: JSON.stringify(body) });
const exporter = {
  export(spans, done) {
    const bodies = spans.map((one) => ({
      name: one.name, kind: one.kind, attributes: one.attributes,
      trace: one.spanContext().traceId, id: one.spanContext().spanId,
      parent: one.parentSpanContext?.spanId ?? null,
    }));
    post(bodies).then(() => done({ code: 0 }), (error) => done({ code: 1, error }));
  },
  shutdown: async () => undefined,
};
const provider = new NodeTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
provider.register();
export default new BullMQOtel('test');
export const shutdown = async () => {
  await provider.shutdown();
  await post('bye');
};
`;
const NESTED_HANDLER = `export default (job, ctx) => ctx.enqueue('inner', { from: job.id });
`;

describe('traces by OpenTelemetry', function () {
  let receiver: Server;
  let workspace: TestWorkspace;
  let agent: AgentProcess;
  let spans: Span[];
  let goodbyes: number;

  before(async () => {
    [spans, goodbyes] = [[], 0];
    receiver = createServer((request, response) => {
      void text(request).then((body) => {
        const told: unknown = JSON.parse(body);
        if (told === 'bye') goodbyes += 1;
        else spans.push(...z.array(span).parse(told));
        response.writeHead(204).end();
      });
    });
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    workspace = makeWorkspace(
      {
        telemetry: './telemetry.ts',
        jobs: {
          outer: { handler: './nested.ts' },
          inline: { handler: './nested.ts', isolation: 'inline', queue: 'low' },
          inner: { handler: './echo.ts', unique: { by: ['from'], while: 'window', window: '1m' } },
        },
      },
      {
        'telemetry.ts': telemetryModule(`http://127.0.0.1:${portOf(receiver)}/`),
        ...{ 'nested.ts': NESTED_HANDLER, 'echo.ts': ECHO_HANDLER },
      },
    );
    agent = await AgentProcess.start(workspace);
  });
  after(async () => {
    await agent.terminate();
    workspace.remove();
    receiver.closeAllConnections();
    receiver.close();
  });

  const runOf = (jobId: string | null | undefined) => (one: Span) =>
    one.kind === CONSUMER && one.attributes['bullmq.job.id'] === jobId;
  const found = (what: string, holds: (one: Span) => boolean) =>
    eventually(`the span of ${what}`, () => spans.find(holds));

  const isAddOf = (one: Span, name: string) =>
    one.kind === PRODUCER && one.attributes['bullmq.job.name'] === name;
  const jobOf = (one: Span) => z.string().parse(one.attributes['bullmq.job.id']);

  async function assertOneTrace(type: string): Promise<void> {
    const [decision] = await agent.client.request(requests.enqueue, { type });
    const id = decision?.jobId;
    const add = await found('the enqueue', (one) => isAddOf(one, type) && jobOf(one) === id);
    assert.equal(add.attributes['interlock.outcome'], 'accepted');
    assert.equal(add.parent, null);
    const run = await found('its run', runOf(id));
    assert.deepEqual([run.parent, run.trace], [add.id, add.trace]);
    const nested = await found(
      'the nested enqueue',
      (one) => isAddOf(one, 'inner') && one.parent === run.id,
    );
    const nestedRun = await found('the nested run', runOf(jobOf(nested)));
    assert.deepEqual([nested.trace, nestedRun.trace], [add.trace, add.trace]);
    assert.equal(nestedRun.parent, nested.id);
  }

  it('go from enqueue to run to what a handler process enqueues, in each run of it', async () => {
    await assertOneTrace('outer');
    await assertOneTrace('outer');
  });

  it('go the same way where handlers run in the agent', () => assertOneTrace('inline'));

  it('have refusals with their reason, and a trace of its own for each', async () => {
    const enqueue = async () =>
      (await agent.client.request(requests.enqueue, { type: 'inner', data: { from: 'me' } }))[0];
    await enqueue();
    const second = await enqueue();
    assert.notEqual(second?.outcome, 'accepted');
    const refused = await found(
      'the refusal',
      (one) => one.attributes['interlock.reason'] === 'unique_key',
    );
    assert.equal(refused.attributes['interlock.outcome'], second?.outcome);
    assert.equal(spans.filter(({ trace }) => trace === refused.trace).length, 1);
  });

  it('are sent before the agent ends', async () => {
    await agent.stop();
    assert.equal(goodbyes, 1);
  });

  it('by a module that is none keep an agent from starting, and say why', async () => {
    workspace.write('telemetry.ts', 'export default { tracer: 1 };\n');
    const { code, json } = await interlockJson(workspace, errorDocument, 'start');
    assert.equal(code, 2);
    assert.equal(json.error.code, 'bad_config');
    assert.match(json.error.message, /telemetry module .*telemetry\.ts can not be used: .*BullMQ/s);
  });
});
