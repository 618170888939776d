import * as path from 'node:path';
import { Queue } from 'bullmq';
import { requests } from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { CdpDebugger } from '../../harness/cdpDebugger.ts';
import { eventually } from '../../harness/eventually.ts';
import type { RedisServer } from '../../harness/redisServer.ts';
import { makeWorkspace } from '../../harness/workspace.ts';
import { compare } from '../comparison.ts';
import { JOB_TYPE } from '../sides/sideProtocol.ts';
import { drainRate } from './drainRate.ts';
import { rateRow, type Row } from './row.ts';

const COUNT = 4_000;
const ROUNDS = 7;
const BREAK_LINE = 2;
const WHY_BELOW = 'The same jobs of one agent, in turns with and without a run that stands still.';

const HANDLER = `export default async function held(job) {
  return { ok: true, n: job.data.n };
}
`;

/** What other jobs of an agent lose while a run of it stands at a breakpoint. */
export async function measurePausedRun(redis: RedisServer, scale: number): Promise<Row[]> {
  const echo = path.join(import.meta.dirname, 'handlers', 'echo.mjs');
  const jobs = {
    [JOB_TYPE]: { handler: echo, queue: 'others', concurrency: 16 },
    held: { handler: './held.mjs', queue: 'held' },
  };
  const workspace = makeWorkspace({ redis: { prefix: 'paused' }, jobs }, { 'held.mjs': HANDLER });
  const agent = await AgentProcess.start(workspace, { env: { REDIS_URL: redis.url } });
  try {
    const client = redis.client();
    const queue = new Queue('others', { connection: client, prefix: 'paused' });
    const count = Math.round(COUNT * scale);
    await drainRate(client, queue, count);
    const comparison = await compare(
      Math.max(3, Math.round(ROUNDS * scale)),
      () => besideAPause(agent, () => drainRate(client, queue, count)),
      () => drainRate(client, queue, count),
    );
    return [
      rateRow(
        'jobs of an agent while a run of it stands at a breakpoint, against before and after',
        comparison,
        0.95,
        WHY_BELOW,
      ),
    ];
  } finally {
    await agent.kill();
    workspace.remove();
  }
}

/** Debugs a job, measures while it stands still, and lets it end. */
async function besideAPause(
  { client }: AgentProcess,
  measure: () => Promise<number>,
): Promise<number> {
  const [enqueued] = await client.request(requests.enqueue, {
    ...{ type: 'held', data: { n: 1 }, delayMs: 3_600_000 },
  });
  const { id } = await client.request(requests.debugJob, { id: enqueued?.jobId ?? '' });
  const rowOf = async () =>
    (await client.request(requests.debugs, {})).find((row) => row.id === id);
  await eventually('the run to be ready', async () => (await rowOf())?.state === 'ready');
  const { url } = await client.request(requests.attachDebugger, { id });
  const cdp = await CdpDebugger.attach(url, [['held.mjs', BREAK_LINE]]);
  await cdp.paused();
  const rate = await measure();
  cdp.resume();
  await eventually('the end of the run', async () => (await rowOf()) === undefined);
  return rate;
}
