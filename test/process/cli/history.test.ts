import assert from 'node:assert/strict';
import * as path from 'node:path';
import { Redis } from 'ioredis';
import * as z from 'zod';
import { notifications, requests } from '../../../agent/protocol/api.ts';
import { decision } from '../../../agent/protocol/decision.ts';
import {
  ageAlert,
  agentStatus,
  jobRow,
  runRow,
  scheduleRow,
  type AgeAlert,
} from '../../../agent/protocol/model.ts';
import { AgentProcess } from '../../harness/agentProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import {
  ECHO_HANDLER,
  FAIL_HANDLER,
  makeWorkspace,
  WAIT_HANDLER,
  type TestWorkspace,
} from '../../harness/workspace.ts';
import { errorDocument } from './errorDocument.ts';
import { interlock, interlockJson } from './interlock.ts';

/** Ages in small: a run is old after 200 ms, a lock an emergency after LOCK_TIMEOUT_MS. */
const CONFIG = {
  jobs: {
    wait: { handler: './wait.ts', unique: { by: ['network'] }, maxConcurrent: 3 },
    fail: { handler: './fail.ts' },
    tick: { handler: './echo.ts' },
  },
  schedules: { 'every:tick': { job: 'tick', every: '1h' } },
  alerts: { jobWarnAfter: '200ms', jobCriticalAfter: '1h', jobEmergencyAfter: '2h' },
  locks: { warnAfter: '300ms' },
};
const ENV = { LOCK_TIMEOUT_MS: '900', INTERLOCK_TICK_INTERVAL_SECONDS: '1' };

const statusReport = z.looseObject({
  agent: agentStatus,
  agesOverThreshold: z.array(ageAlert.extend({ ageMs: z.number() })),
});
const monitorRow = z.looseObject({
  ...{ type: z.string(), queued: z.number(), running: z.number(), limit: z.number().nullable() },
  ...{ oldestRunLevel: z.string(), nextSlotAt: z.string().nullable(), accepted: z.number() },
  lastRun: z.looseObject({ status: z.string() }).nullable(),
  runs: z.record(z.string(), z.number()),
  refusals: z.record(z.string(), z.number()),
});

const spread = z.object({ p50: z.number(), p95: z.number(), max: z.number() });
const statistics = z.looseObject({
  runsFrom: z.string().nullable(),
  types: z.array(
    z.looseObject({
      ...{ type: z.string(), runs: z.number(), busy: z.number() },
      failedShare: z.number().nullable(),
      ...{ runMs: spread.nullable(), waitedMs: spread.nullable() },
      errors: z.array(z.object({ what: z.string(), count: z.number() })),
    }),
  ),
});

describe('history, statistics, ages and monitor', () => {
  let workspace: TestWorkspace;
  let agent: AgentProcess;
  let redis: Redis;
  let gate: string;

  const ok = async <S extends z.ZodType>(schema: S, ...args: string[]): Promise<z.infer<S>> => {
    const { code, json } = await interlockJson(workspace, schema, ...args);
    assert.equal(code, 0, `${args.join(' ')} ended with ${code}`);
    return json;
  };
  const history = (...args: string[]) => ok(z.array(runRow), 'history', ...args);
  const wait = (network: string) =>
    ok(decision, 'enqueue', 'wait', '--data', JSON.stringify({ network, until: gate }));

  before(async () => {
    workspace = makeWorkspace(CONFIG, {
      'wait.ts': WAIT_HANDLER,
      'fail.ts': FAIL_HANDLER,
      'echo.ts': ECHO_HANDLER,
    });
    gate = path.join(workspace.folder, 'gate');
    agent = await AgentProcess.start(workspace, { env: ENV });
    const { redis: server } = await agent.client.request(requests.status, {});
    redis = new Redis({ path: server.address });
  });

  after(async () => {
    workspace.write('gate', '');
    redis.disconnect();
    await agent.stop();
    workspace.remove();
  });

  it('an environment variable sets the interval of a job type, as "schedules" tells', async () => {
    const [row] = await ok(z.array(scheduleRow), 'schedules');
    assert.deepEqual([row?.name, row?.rule], ['every:tick', 'every 1 s']);
  });

  it('history tells how a run ended, who ran it, its schedule, and why it failed', async () => {
    await ok(decision, 'enqueue', 'fail');
    const firstOf = (type: string, status: string) =>
      eventually(`a run of ${type} that has ${status}`, async () => {
        const [run] = await history('--type', type, '--status', status);
        return run;
      });
    const failed = await firstOf('fail', 'failed');
    assert.deepEqual([failed.status, failed.schedule, failed.attempt], ['failed', null, 1]);
    assert.match(failed.error ?? '', /the gate is shut$/);
    assert.equal(failed.worker?.pid, agent.pid);
    const tick = await firstOf('tick', 'completed');
    assert.deepEqual([tick.status, tick.schedule, tick.key], ['completed', 'every:tick', null]);
    assert.equal(tick.durationMs, Date.parse(tick.endedAt ?? '') - Date.parse(tick.startedAt));
    const { stdout, code } = await interlock(workspace, 'history', '--status', 'failed');
    assert.match(stdout, /^started +took .*\n.* failed +fail +\S+:\d+ +- .* the gate is shut\n$/);
    assert.equal(code, 0);
  });

  it('stats tell how often, how long and how busy, what waited and what failed', async () => {
    const { types, runsFrom } = await ok(statistics, 'stats', '--since', '1h');
    const rows = new Map(types.map((row) => [row.type, row]));
    const { failedShare, errors } = rows.get('fail') ?? {};
    assert.deepEqual([failedShare, errors?.[0]?.count], [1, 1]);
    assert.match(errors?.[0]?.what ?? '', /the gate is shut$/);
    const tick = rows.get('tick');
    assert.ok(tick !== undefined && tick.runs > 0 && tick.busy > 0);
    assert.ok(tick.runMs !== null && tick.waitedMs !== null && tick.waitedMs.max < 60_000);
    assert.ok(runsFrom !== null, 'the agent has not run for an hour');
    const { stdout } = await interlock(workspace, 'stats', '--type', 'fail');
    assert.match(stdout, /^job type +runs .*\nfail +1 .* 100 % .*\n\nRuns are known since /);
    const nobody = await interlock(workspace, 'stats', '--type', 'nobody');
    assert.deepEqual([nobody.code, nobody.stdout.slice(0, 12)], [0, 'No run ended']);
  });

  it('tells of what runs too long, while nobody asks, and frees nothing for its age', async () => {
    const alerts: AgeAlert[] = [];
    agent.client.onNotification(notifications.alert, (alert) => alerts.push(alert));
    await agent.client.request(requests.subscribe, {});
    const { jobId } = await wait('main');
    await eventually('an emergency', () => alerts.some((one) => one.level === 'emergency'));
    const told = alerts.filter((one) => one.key.includes(jobId ?? '?'));
    assert.deepEqual(told.map(({ kind, level }) => `${kind} ${level}`).sort(), [
      'job warning',
      'lock emergency',
      'lock warning',
    ]);
    assert.equal(told.find((one) => one.kind === 'job')?.name, 'wait [main]');

    const report = await ok(statusReport, 'status');
    assert.equal(report.agent.thresholds.lockEmergencyMs, 900);
    assert.deepEqual(report.agesOverThreshold.map(({ kind, level }) => `${kind} ${level}`).sort(), [
      'job warning',
      'lock emergency',
    ]);
    assert.ok(report.agesOverThreshold.every((one) => one.ageMs >= 900));
    const { stdout } = await interlock(workspace, 'status');
    assert.match(stdout, /^warning: job wait \[main\] for \d+ s$/m);
    assert.match(stdout, /^emergency: lock \S+ for \d+ s$/m);
    const { lines } = await agent.client.request(requests.log, {});
    const line =
      /"action":"age_alert","age_level":"warning","kind":"job","job_type":"wait".*"age alert"/;
    assert.ok(lines.some((text) => line.test(text)));

    const [run] = await history('--type', 'wait');
    assert.deepEqual([run?.jobId, run?.status, run?.endedAt], [jobId, 'running', null]);
    const active = await ok(z.array(jobRow), 'jobs', '--state', 'active', '--type', 'wait');
    assert.equal(active.length, 1);
  });

  it('history puts what runs first, and finds what has been running for long', async () => {
    const all = await history();
    assert.deepEqual([all[0]?.type, all[0]?.status, all[0]?.key], ['wait', 'running', 'main']);
    assert.equal(all[0]?.worker?.pid, agent.pid);
    const fence = all[0].fence ?? 0;
    assert.ok(fence > 1_700_000_000_000, `a fence of the type: ${fence}`);
    assert.ok(all.slice(1).every((run) => run.status !== 'running' || run.type === 'tick'));
    assert.deepEqual(await history('--running-longer-than', '10m'), []);
    const [long, ...others] = await history('--running-longer-than', '500ms');
    assert.deepEqual([long?.type, others.length], ['wait', 0]);
    assert.deepEqual(await history('--key', 'other'), []);
    // A run that goes on has no end that statistics could know runs since.
    const { runsFrom, types } = await ok(statistics, 'stats', '--type', 'wait');
    assert.match(runsFrom ?? '', /^\d{4}-\d{2}-\d{2}T/);
    assert.deepEqual(types, []);
    assert.equal((await history('--limit', '1', '--offset', '1'))[0]?.status, 'completed');
  });

  it('monitor tells how each job type does', async () => {
    assert.equal((await wait('main')).outcome, 'already_running');
    const rows = await ok(z.array(monitorRow), 'monitor');
    assert.deepEqual(
      rows.map((row) => row.type),
      ['wait', 'fail', 'tick'],
    );
    const [waits, fails, ticks] = rows;
    assert.deepEqual(
      [waits?.running, waits?.queued, waits?.limit, waits?.oldestRunLevel, waits?.refusals],
      [1, 0, 3, 'warning', { unique_key: 1 }],
    );
    assert.deepEqual([fails?.lastRun?.status, fails?.runs], ['failed', { failed: 1 }]);
    assert.ok((ticks?.runs['completed'] ?? 0) >= 1);
    assert.ok(ticks?.nextSlotAt !== null && waits?.nextSlotAt === null);
    const { stdout } = await interlock(workspace, 'monitor', '--job-type', 'wait');
    assert.match(stdout, /^job type .*\nwait +0 +1 +3 +\d+ s, warning +- +- +1 unique_key +\d+\n$/);
    const { code, json } = await interlockJson(
      workspace,
      errorDocument,
      'monitor',
      '--job-type',
      'x',
    );
    assert.equal(code, 1);
    assert.equal(json.error.code, 'not_found');
  });

  it('monitor goes on looking: with --json a line each time, until its time is over', async () => {
    const args = ['monitor', '--continuous', '--for', '2500ms', '--json', '--job-type', 'wait'];
    const { stdout, code } = await interlock(workspace, ...args);
    const looks = stdout
      .trimEnd()
      .split('\n')
      .map((line) => z.array(monitorRow).parse(JSON.parse(line)));
    assert.equal(code, 0);
    assert.ok(looks.length >= 2, stdout);
    assert.ok(looks.every((rows) => rows.length === 1 && rows[0]?.type === 'wait'));
  });

  it('a run that ended leaves no place behind, and no alert', async () => {
    const places = 'bull:interlock:running:wait';
    assert.equal(await redis.hlen(places), 1);
    workspace.write('gate', '');
    const run = await eventually('the end of the run', async () =>
      (await history('--type', 'wait')).find((one) => one.status === 'completed'),
    );
    assert.ok(run.durationMs >= 900 && run.key === 'main');
    await eventually('its place to be free', async () => (await redis.hlen(places)) === 0);
    await eventually('its alerts to be gone', async () => {
      const { alerts } = await agent.client.request(requests.status, {});
      return alerts.length === 0;
    });
  });
});
