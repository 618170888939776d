import assert from 'node:assert/strict';
import * as z from 'zod';
import { notifications, requests, simulateDuplicatesResult } from '../../../agent/protocol/api.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { isAlive } from '../../harness/childProcess.ts';
import { childrenOf } from '../../harness/childrenOf.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { ECHO_HANDLER, makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { errorDocument } from '../cli/errorDocument.ts';
import { interlock, interlockJson, processesOf, startInterlock } from '../cli/interlock.ts';

const config = {
  jobs: {
    sync: { handler: './echo.ts', unique: { by: ['network', 'user.id'] } },
    report: { handler: './echo.ts', queue: 'low', unique: { by: [] } },
    plain: { handler: './echo.ts' },
  },
};

/** A type for each kind of rule. */
const everyRule = {
  jobs: Object.fromEntries(
    Object.entries({
      skip: { unique: { by: ['network'] } },
      fail: { unique: { by: ['network'], onConflict: 'fail' } },
      replace: { unique: { by: ['network'], onConflict: 'replace' } },
      reschedule: { unique: { by: ['network'], onConflict: 'reschedule' } },
      queued: { unique: { by: ['network'], while: 'queued', onConflict: 'replace' } },
      running: { unique: { by: ['network'], while: 'running' } },
      window: { unique: { by: ['network'], while: 'window', window: '10m' } },
      custom: { unique: { by: 'function' } },
      monitoring: { monitoring: true },
      places: { maxConcurrent: 3 },
    }).map(([name, rule]) => [name, { handler: './echo.ts', ...rule }]),
  ),
};

describe('interlock simulate duplicates', () => {
  let workspace: TestWorkspace;
  let redis: RedisServer;
  const race = (...args: string[]) =>
    interlockJson(
      workspace,
      simulateDuplicatesResult,
      ...['simulate', 'duplicates', '--redis', redis.url, ...args],
    );
  const keys = () => redis.client().keys('*');

  before(async () => {
    workspace = makeWorkspace(config, { 'echo.ts': ECHO_HANDLER });
    redis = await RedisServer.start();
  });

  after(async () => {
    await redis.stop();
    workspace.remove();
  });

  it('of 400 attempts by 4 processes lets one in, which runs once', async () => {
    const args = ['--job-type', 'sync', '--processes', '4', '--attempts', '400'];
    const { code, json } = await race(...args);
    const { ms, ...figures } = json;
    assert.ok(ms > 0);
    assert.deepEqual(figures, {
      ...{ jobType: 'sync', attempts: 400, accepted: 1, runs: 1, maxConcurrentRuns: 1 },
      ...{ refused: { byLayer: { unique_key: 399 } }, naive: false, processes: 4 },
    });
    assert.equal(code, 0);
    assert.deepEqual(await keys(), [], 'its keys are removed');
  });

  it('shows the same race without protection: every attempt runs, several at one time', async () => {
    const { code, json } = await race('--job-type', 'sync', '--attempts', '100', '--naive');
    assert.equal(json.accepted, 100);
    assert.equal(json.runs, 100);
    const most = json.maxConcurrentRuns;
    // Four processes with the type's concurrency of four.
    assert.ok(most > 1 && most <= 16, `${most} at one time`);
    assert.equal(json.naive, true);
    assert.equal(code, 0);
    assert.deepEqual(await keys(), []);
  });

  it('races every unique type, one after the other', async () => {
    const { json } = await interlockJson(
      workspace,
      z.array(simulateDuplicatesResult),
      ...['simulate', 'duplicates', '--redis', redis.url, '--all-types'],
      ...['--processes', '2', '--attempts', '7'],
    );
    assert.deepEqual(
      json.map(({ jobType, attempts, accepted, runs }) => [jobType, attempts, accepted, runs]),
      [
        ['sync', 7, 1, 1],
        ['report', 7, 1, 1],
      ],
    );
  });

  it('races each kind of rule, and knows what must come out of it', async function () {
    // Ten races, each with processes of its own.
    this.timeout(120_000);
    const rules = makeWorkspace(everyRule, { 'echo.ts': ECHO_HANDLER });
    try {
      const { code, json } = await interlockJson(
        rules,
        z.array(simulateDuplicatesResult),
        ...['simulate', 'duplicates', '--redis', redis.url, '--all-types'],
        ...['--processes', '2', '--attempts', '40'],
      );
      assert.equal(code, 0, JSON.stringify(json, null, 2));
      const acceptedOf = new Map(json.map(({ jobType, accepted }) => [jobType, accepted]));
      for (const name of ['skip', 'fail', 'replace', 'queued', 'window', 'custom', 'monitoring']) {
        assert.equal(acceptedOf.get(name), 1, name);
      }
      assert.equal(acceptedOf.get('places'), 3);
      for (const { jobType, accepted, runs, maxConcurrentRuns, refused } of json) {
        const refusals = Object.values(refused.byLayer).reduce((sum, count) => sum + count, 0);
        assert.equal(accepted + refusals, 40, `${jobType}: every attempt has an answer`);
        // How many of the three run side by side is up to the machine.
        assert.ok(maxConcurrentRuns <= (jobType === 'places' ? 3 : 1), jobType);
        if (jobType === 'reschedule') assert.ok(runs <= 2, 'one more runs after the first');
      }
      assert.deepEqual(await keys(), []);
    } finally {
      rules.remove();
    }
  });

  it('does not race rules that are switched off', async () => {
    const off = makeWorkspace(
      { ...config, deduplication: { enabled: false } },
      { 'echo.ts': ECHO_HANDLER },
    );
    try {
      const { code, json } = await interlockJson(
        off,
        errorDocument,
        ...['simulate', 'duplicates', '--redis', redis.url, '--job-type', 'sync'],
      );
      assert.match(json.error.message, /rules of job type "sync" are switched off/);
      assert.equal(code, 2);
    } finally {
      off.remove();
    }
  });

  it('does not race a type without a rule, and says how to give it one', async () => {
    const refused = await interlockJson(
      workspace,
      errorDocument,
      ...['simulate', 'duplicates', '--redis', redis.url, '--job-type', 'plain'],
    );
    assert.match(refused.json.error.remedy ?? '', /"unique": \{ "by": \[\] \} to jobs\.plain/);
    assert.equal(refused.code, 2);
    const naive = await race(
      ...['--job-type', 'plain', '--attempts', '10', '--processes', '1', '--naive'],
    );
    assert.equal(naive.json.runs, 10);
  });

  it('removes its keys when it is interrupted', async () => {
    const running = startInterlock(workspace, longRace(redis));
    await eventually('a race', async () => (await keys()).length > 5);
    running.child.kill('SIGINT');
    const { code, stderr } = await running.ended;
    assert.match(stderr, /The simulation was cancelled/);
    assert.equal(code, 1);
    assert.deepEqual(await keys(), []);
  });

  it('fails when a process of the race dies, and removes its keys', async () => {
    const running = startInterlock(workspace, longRace(redis));
    await eventually('a race', async () => (await keys()).length > 5);
    const [racer] = childrenOf(running.child.pid);
    assert.ok(racer !== undefined);
    process.kill(racer, 'SIGKILL');
    const { code, stderr } = await running.ended;
    assert.match(stderr, new RegExp(`A process of the race \\(${racer}\\) ended with SIGKILL`));
    assert.equal(code, 1);
    assert.deepEqual(await keys(), []);
  });

  it('when it is killed its processes end, and the next one removes what it left', async () => {
    const running = startInterlock(workspace, longRace(redis));
    await eventually('a race', async () => (await keys()).length > 5);
    const racers = childrenOf(running.child.pid);
    running.child.kill('SIGKILL');
    await running.ended;
    await eventually('its processes to end', () => !racers.some(isAlive));
    const client = redis.client();
    // As when its mark has ended, a minute later.
    for (const mark of await client.keys('{interlock-simulation-*}:alive')) await client.del(mark);
    await race('--job-type', 'report', '--attempts', '5', '--processes', '1');
    assert.deepEqual(await keys(), []);
  });

  it('is run by an agent as well, which tells how far it is', async () => {
    const agent = await AgentProcess.start(workspace, { env: { REDIS_URL: redis.url } });
    try {
      const phases = new Set<string>();
      agent.client.onNotification(notifications.simulateProgress, ({ phase }) => phases.add(phase));
      const result = await agent.client.request(requests.simulateDuplicates, {
        ...{ jobType: 'report', processes: 2, attempts: 50 },
      });
      assert.equal(result.accepted, 1);
      assert.equal(result.runs, 1);
      assert.deepEqual([...phases], ['starting', 'racing', 'running', 'done']);
      assert.deepEqual(await redis.client().keys('*simulation*'), []);
    } finally {
      await agent.stop();
    }
  });

  it('without an agent and without an address uses the private Redis, and stops it afterwards', async () => {
    const { code, stdout } = await interlock(
      workspace,
      ...['simulate', 'duplicates', '--job-type', 'report', '--attempts', '20', '--processes', '2'],
    );
    assert.match(
      stdout,
      /report: 2 processes asked 20 times for the same key, and 1 run followed\./,
    );
    assert.equal(code, 0);
    await eventually('every process to be gone', () => processesOf(workspace).length === 0);
  });
});

/** Long enough to be disturbed. */
function longRace(redis: RedisServer): string[] {
  return [
    ...['simulate', 'duplicates', '--redis', redis.url, '--job-type', 'sync', '--naive'],
    ...['--processes', '2', '--attempts', '60000'],
  ];
}
