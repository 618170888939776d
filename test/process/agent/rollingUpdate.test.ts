import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';
import { Queue } from 'bullmq';
import { AgentClient } from '../../../agent/protocol/agentClient.ts';
import { readAgentRecord } from '../../../agent/protocol/agentRecord.ts';
import { requests } from '../../../agent/protocol/api.ts';
import { redisNowMs } from '../../../agent/redis/redisNow.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { BUILD, makeOlderBuild, type Build } from '../../harness/builds.ts';
import { eventually } from '../../harness/eventually.ts';
import { makeTemporaryFolder, type TemporaryFolder } from '../../harness/temporaryFolder.ts';
import { makeWorkspace, WAIT_HANDLER, type TestWorkspace } from '../../harness/workspace.ts';
import { accountSlots } from '../../schedules/accountSlots.ts';
import { interlock, startInterlock } from '../cli/interlock.ts';
import { EVERY_MS, STREAM, SYMBOLS, UpdateBench, type RunLine } from './updateBench.ts';

/** More than an agent takes at most: `shutdown.finishRuns` of the bench and a little. */
const LEAVES_WITHIN_MS = 20_000;
const PATIENT = { deadlineMs: 30_000 };

describe('an update of agents', function () {
  this.timeout(150_000);
  let copies: TemporaryFolder;
  let older: Build;

  before(() => {
    copies = makeTemporaryFolder();
    older = makeOlderBuild(path.join(copies.path, 'dist'));
  });
  after(() => copies.remove());

  it('one by one loses and doubles nothing, while both builds run side by side', async () => {
    const bench = await UpdateBench.start(older);
    try {
      for (const agent of bench.agents) await assertIsOlder(agent);
      bench.startLoad();
      await bench.allAtWork();
      for (const [index, agent] of [...bench.agents].entries()) {
        assert.equal(await agent.terminate(LEAVES_WITHIN_MS), 0);
        await bench.place(index, BUILD);
        await bench.allAtWork();
      }
      await bench.endLoad();
      const untilMs = Math.floor((await redisNowMs(bench.redis.client())) / EVERY_MS) * EVERY_MS;
      await settle(bench, untilMs);
      const known = await bench.redis
        .client()
        .script('EXISTS', ...[older, BUILD].map((build) => sha1Of(build, 'readActiveJobs')));
      assert.deepEqual(known, [1, 1], 'scripts of both builds');
      const runs = bench.runs();
      assert.equal(new Set(runs.map(({ id }) => id)).size, runs.length, 'no job ran twice');
      assert.ok(
        runs.every(({ attempt }) => attempt === 1),
        'no attempt was used up',
      );
      checkKeys(bench, runs);
      const slots = runs.flatMap(({ id, type }) =>
        type === 'beat' ? Number(/^slot-beat-(\d+)$/.exec(id)?.[1]) : [],
      );
      const account = accountSlots({ everyMs: EVERY_MS, jobs: slots, passed: [] }, untilMs);
      assert.deepEqual(account.faults, []);
      assert.deepEqual(bench.feed.unheardMs, [], 'no symbol was without a listener');
      checkTicks(runs);
    } finally {
      await bench.stop();
    }
  });

  /** Every slot until then, every key and every tick that came in has run. */
  async function settle(bench: UpdateBench, untilMs: number): Promise<void> {
    const [agent] = bench.agents;
    await agent?.client.request(requests.stopStream, { name: STREAM });
    await eventually('the stream to stop', () => bench.feed.clients === 0, PATIENT);
    await eventually(
      'the last slot to run',
      () => bench.runs().some(({ id }) => id === `slot-beat-${untilMs}`),
      PATIENT,
    );
    const connection = bench.redis.client();
    for (const name of ['work', 'beats', 'batches']) {
      const queue = new Queue(name, { connection });
      await eventually(
        `nothing to wait in ${name}`,
        async () => (await queue.getJobCountByTypes('waiting', 'active', 'delayed')) === 0,
        { ...PATIENT, everyMs: 5 },
      );
      assert.equal(await queue.getFailedCount(), 0, name);
      await queue.close();
    }
  }

  /** Each key came in once, whichever agent of whichever build was asked, and ran. */
  function checkKeys(bench: UpdateBench, runs: RunLine[]): void {
    assert.ok(bench.asked.length > 20, `${bench.asked.length} keys`);
    for (const { key, answers, accepted } of bench.asked) {
      const ids = runs.filter(({ data }) => data?.key === key).map(({ id }) => id);
      assert.ok(ids.length <= 1 && accepted.length <= 1, `key ${key}: ${ids.join()}`);
      // One that left may have let the job in, and not have come to its answer.
      if (answers > 0) assert.equal(ids.length, 1, `key ${key} ran`);
      if (accepted.length > 0) assert.deepEqual(ids, accepted);
    }
  }

  function checkTicks(runs: RunLine[]): void {
    for (const symbol of SYMBOLS) {
      const seqs = runs
        .flatMap(({ data }) => data?.ticks ?? [])
        .filter((tick) => tick.symbol === symbol)
        .map(({ seq }) => seq)
        .sort((a, b) => a - b);
      assert.ok(seqs.length > 100, `${seqs.length} ticks`);
      assert.deepEqual(
        seqs,
        seqs.map((_, index) => index + 1),
        `every tick of ${symbol}, and each once`,
      );
    }
  }

  describe('with one that runs jobs', () => {
    let workspace: TestWorkspace;
    let agents: AgentProcess[];

    beforeEach(() => {
      agents = [];
      workspace = makeWorkspace(
        { jobs: { wait: { handler: './wait.ts', concurrency: 2 } } },
        { 'wait.ts': WAIT_HANDLER },
      );
    });
    afterEach(async () => {
      await interlock(workspace, 'stop');
      await Promise.all(agents.map((agent) => agent.kill()));
      workspace.remove();
    });

    async function start(build: Build): Promise<AgentProcess> {
      const agent = await AgentProcess.start(workspace, { build });
      agents.push(agent);
      return agent;
    }

    /** A job that runs until `end()`. */
    async function run(agent: AgentProcess, name: string) {
      const until = path.join(workspace.folder, `${name}.until`);
      const trace = path.join(workspace.folder, `${name}.trace`);
      const data = { until, trace };
      const [decision] = await agent.client.request(requests.enqueue, { type: 'wait', data });
      const fences = () =>
        existsSync(trace)
          ? readFileSync(trace, 'utf8')
              .trim()
              .split('\n')
              .map((line) => Number(line.split(' ')[1]))
          : [];
      await eventually('the run', () => fences().length === 1, PATIENT);
      return { id: decision?.jobId ?? '', fences, end: () => writeFileSync(until, '') };
    }

    const completed = (client: AgentClient, id: string) =>
      eventually(
        `job ${id} to end`,
        async () => {
          const job = await client.request(requests.job, { id });
          return job.state === 'completed' && job;
        },
        PATIENT,
      );

    it('the older one lets a job end, or gives it back with its attempts', async () => {
      const agent = await start(older);
      const ends = await run(agent, 'ends');
      const stays = await run(agent, 'stays');
      process.kill(agent.pid, 'SIGTERM');
      const log = path.join(agent.stateFolder, 'agent.log');
      await eventually('it to leave', () => readFileSync(log, 'utf8').includes('agent leaves'));
      ends.end();
      assert.equal(await agent.ended, 0);

      const { client } = await start(BUILD);
      stays.end();
      assert.equal((await completed(client, ends.id)).attemptsMade, 1);
      assert.equal(ends.fences().length, 1, 'it ended where it ran');
      assert.equal((await completed(client, stays.id)).attemptsMade, 1);
      const [first = NaN, second = NaN, ...more] = stays.fences();
      assert.ok(second > first, `token ${second} after ${first}`);
      assert.deepEqual(more, []);
    });

    it('the newer command asks the older one to leave, and starts its own', async () => {
      const agent = await start(older);
      await assertIsOlder(agent);
      const job = await run(agent, 'ends');
      const command = startInterlock(workspace, ['start']);
      await eventually('it to be asked', () =>
        command.stderr().includes(`An older agent (process ${agent.pid}) is asked to leave.`),
      );
      job.end();
      const { code, stderr } = await command.ended;
      assert.equal(code, 0, stderr);
      assert.equal(await agent.ended, 0);
      const record = readAgentRecord(workspace.stateFolder);
      assert.equal(record?.protocol, BUILD.protocol);
      assert.notEqual(record.pid, agent.pid);
      const client = await AgentClient.connect(record, { kind: 'test', version: '0' });
      assert.equal((await completed(client, job.id)).attemptsMade, 1);
      assert.equal(job.fences().length, 1, 'it ended where it ran');
      client.dispose();
      // The other way round nothing is ended: the one that is out of date is told so.
      const late = await startInterlock(workspace, ['status'], {}, older).ended;
      assert.notEqual(late.code, 0);
      assert.match(late.stderr, /speaks protocol \d+, the cli speaks \d+\.\nUpdate the cli/);
      assert.equal(readAgentRecord(workspace.stateFolder)?.pid, record.pid);
    });
  });
});

/** A client of this checkout is told that it is newer; all that the agent says is of its own protocol. */
async function assertIsOlder(agent: AgentProcess): Promise<void> {
  const record = readAgentRecord(agent.stateFolder);
  assert.ok(record !== undefined);
  const { protocol } = await agent.client.request(requests.status, {});
  assert.deepEqual([record.protocol, protocol], [BUILD.protocol - 1, BUILD.protocol - 1]);
  await assert.rejects(AgentClient.connect(record, { kind: 'test', version: '0' }), {
    code: 'version_mismatch',
    remedy: /The agent is older/,
  });
}

/** Of a script without includes: its file is its text. */
function sha1Of(build: Build, script: string): string {
  const text = readFileSync(path.join(build.folder, 'lua', `${script}.lua`), 'utf8');
  return createHash('sha1').update(text).digest('hex');
}
