import assert from 'node:assert/strict';
import { Queue } from 'bullmq';
import { InterlockError } from '../../../agent/common/errors.ts';
import { requests } from '../../../agent/protocol/api.ts';
import type { AgentProcess } from '../../harness/agentProcess.ts';
import { startBareWorker } from '../../harness/bareWorker.ts';
import type { StartedProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { DebugBench } from './debugBench.ts';

const FOR_EVER_MS = 600_000;

describe('a job in a worker that Interlock did not start', () => {
  let bench: DebugBench;
  let queue: Queue;
  let agents: AgentProcess[];
  let workers: StartedProcess[];

  beforeEach(async () => {
    bench = await DebugBench.start();
    workers = [];
    queue = new Queue('billing', { connection: bench.redis.client() });
    queue.on('error', () => undefined);
    await queue.waitUntilReady();
    agents = [await bench.agent(), await bench.agent()];
  });
  afterEach(async () => {
    for (const worker of workers) worker.child.kill('SIGKILL');
    await queue.close();
    await bench.stop();
  });

  async function bare(options: Partial<Parameters<typeof startBareWorker>[0]>): Promise<void> {
    workers.push(await startBareWorker({ url: bench.redis.url, queue: 'billing', ...options }));
  }

  /** Waits until the job runs, as every agent sees it. */
  const runs = (id: string) =>
    eventually('the run', async () => {
      const rows = await Promise.all(
        agents.map(({ client }) => client.request(requests.job, { id, queue: 'billing' })),
      );
      return rows.every(({ outside }) => outside?.worker === 'invoices') && rows[0];
    });

  it('is not debugged: the error says where it runs, and what can be done', async () => {
    await bare({ name: 'invoices' });
    const { id = '' } = await queue.add('add', { waitMs: FOR_EVER_MS });
    const job = await runs(id);
    assert.ok(Date.parse(job.outside?.lockEndsAt ?? '') > Date.now());
    await assert.rejects(
      bench.agents[0]?.client.request(requests.debugJob, { id, queue: 'billing' }) ?? queue.close(),
      (error) => {
        assert.ok(error instanceof InterlockError);
        assert.equal(error.code, 'runs_outside');
        assert.match(error.message, /worker "invoices", in a process that Interlock did not start/);
        assert.match(error.remedy ?? '', /--inspect.*"lockDuration".*replay it with Debug Job/);
        return true;
      },
    );
  });

  it('stalls: two agents tell it once', async () => {
    await bare({ name: 'invoices', lockDuration: 3_000 });
    const { id = '' } = await queue.add('bill', { blockMs: FOR_EVER_MS, waitMs: FOR_EVER_MS });
    await runs(id);
    await bare({ name: 'checker', stalledInterval: 300 });
    const decisions = async () => {
      const pages = agents.map(({ client }) =>
        client.request(requests.decisions, { action: 'stall', limit: 10 }),
      );
      return Promise.all(pages);
    };
    const [page] = await eventually('the decision', async () => {
      const pages = await decisions();
      return pages.every(({ total }) => total > 0) && pages;
    });
    assert.deepEqual(
      page?.rows.map(({ jobId, stall }) => [jobId, stall?.worker, stall?.next, stall?.nextWorker]),
      [[id, 'invoices', 'started', 'worker "checker"']],
    );
    // Each agent would have told it by now: it waits 3 s for what becomes of the job.
    const sinceMs = performance.now();
    await eventually('both to be done', () => performance.now() - sinceMs > 3_500);
    assert.deepEqual(
      (await decisions()).map(({ total }) => total),
      [1, 1],
    );
  });
});
