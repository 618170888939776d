import assert from 'node:assert/strict';
import * as path from 'node:path';
import * as z from 'zod';
import { decision } from '../../../agent/protocol/decision.ts';
import {
  agentRow,
  agentStatus,
  jobDetail,
  jobRow,
  leaderRow,
  lockRow,
  queueRow,
  redisStatus,
  scheduleRow,
  streamRow,
} from '../../../agent/protocol/model.ts';
import { eventually } from '../../harness/eventually.ts';
import {
  ECHO_HANDLER,
  FAIL_HANDLER,
  makeWorkspace,
  WAIT_HANDLER,
  type TestWorkspace,
} from '../../harness/workspace.ts';
import { errorDocument } from './errorDocument.ts';
import { interlock, interlockJson, processesOf } from './interlock.ts';

const bulk = z.strictObject({
  done: z.array(z.string()),
  refused: z.array(z.strictObject({ id: z.string(), why: z.string() })),
});
const started = z.strictObject({
  outcome: z.enum(['started', 'already_running', 'restarted']),
  pid: z.number(),
  socketPath: z.string(),
  stateFolder: z.string(),
  logFile: z.string(),
});

const config = {
  jobs: {
    wait: { handler: './jobs/wait.ts', unique: { by: ['network'] } },
    fail: { handler: './jobs/fail.ts' },
    later: {
      handler: './jobs/fail.ts',
      queue: 'low',
      retry: { max: 1, intervals: ['1h'] },
    },
    echo: { handler: './jobs/echo.ts', queue: 'low' },
  },
  schedules: { hourly: { job: 'echo', every: '1h' } },
  // Nobody listens there: the stream is declared, wanted, and not live.
  streams: { nse: { url: 'ws://127.0.0.1:9', symbols: ['NSE:TCS'], job: 'echo' } },
};

describe('the commands of interlock, with an agent', () => {
  let workspace: TestWorkspace;
  const run = (...args: string[]) => interlock(workspace, ...args);
  const runJson = <S extends z.ZodType>(schema: S, ...args: string[]) =>
    interlockJson(workspace, schema, ...args);
  const ok = async <S extends z.ZodType>(schema: S, ...args: string[]): Promise<z.infer<S>> => {
    const { code, json } = await runJson(schema, ...args);
    assert.equal(code, 0, `${args.join(' ')} ended with ${code}`);
    return json;
  };
  const jobIn = (state: string, type: string) =>
    eventually(`a ${type} that is ${state}`, async () => {
      const rows = await ok(z.array(jobRow), 'jobs', '--type', type, '--state', state);
      return rows[0];
    });

  before(async () => {
    workspace = makeWorkspace(config, {
      'jobs/wait.ts': WAIT_HANDLER,
      'jobs/fail.ts': FAIL_HANDLER,
      'jobs/echo.ts': ECHO_HANDLER,
    });
    const { outcome } = await ok(started, 'start');
    assert.equal(outcome, 'started');
  });

  after(async () => {
    await run('stop');
    workspace.remove();
  });

  it('start finds the agent that runs', async () => {
    const { outcome, pid } = await ok(started, 'start');
    assert.equal(outcome, 'already_running');
    const text = await run('start');
    assert.equal(text.code, 0);
    assert.match(text.stdout, new RegExp(`An agent runs already: process ${pid}, socket `));
  });

  it('status tells agent, Redis, queues, streams and the scheduler lock', async () => {
    const report = await ok(
      z.strictObject({
        agent: agentStatus,
        redis: redisStatus,
        role: z.literal('all'),
        queues: z.array(queueRow),
        streams: z.array(streamRow),
        schedulerLock: lockRow.nullable(),
        locks: z.array(lockRow),
        agents: z.array(agentRow),
        agesOverThreshold: z.array(z.unknown()),
      }),
      'status',
    );
    assert.equal(report.agent.workspace, workspace.folder);
    assert.equal(report.redis.state, 'connected');
    assert.deepEqual(report.agesOverThreshold, []);
    const { code, stdout } = await run('status');
    assert.equal(code, 0);
    assert.match(stdout, /^Agent +running, process \d+, role all/);
    assert.match(stdout, /^Redis +connected, private at /m);
    assert.match(stdout, /^Scheduler +scheduler:global_lock held by .* fence \d+$/m);
    assert.ok(!stdout.includes('\u001b'), 'no colours in a pipe');
  });

  it('enqueue prints the decision; a refusal names survivor, rule and remedy, and is no failure', async () => {
    const gate = path.join(workspace.folder, 'gate');
    const data = JSON.stringify({ network: 'main', until: gate });
    const first = await ok(decision, 'enqueue', 'wait', '--data', data);
    assert.equal(first.outcome, 'accepted');
    await jobIn('active', 'wait');
    const second = await ok(decision, 'enqueue', 'wait', '--data', data);
    assert.equal(second.outcome, 'already_running');
    assert.equal(second.survivor?.jobId, first.jobId);
    const text = await run('enqueue', 'wait', '--data', data);
    assert.equal(text.code, 0);
    assert.match(text.stdout, /^wait \(main\) is already running: job \S+ has been running for /);
    assert.match(text.stdout, /rule: unique_key\)\.\nWait for job /);

    const many = await ok(z.array(decision), 'enqueue', 'wait', '--data', data, '--count', '3');
    assert.deepEqual(new Set(many.map(({ outcome }) => outcome)), new Set(['already_running']));
    const one = await ok(z.array(decision), 'enqueue', 'echo', '--count', '1');
    assert.equal(one.length, 1, 'with --count it is an array');
    workspace.write('gate', '');
  });

  it('jobs filters and says what it knows; job shows all of one', async () => {
    await run('enqueue', 'echo', '--data', '{"mark":"findable"}');
    const row = await eventually('the job to be found', async () => {
      const rows = await ok(
        z.array(jobRow),
        'jobs',
        '--search',
        'findable',
        '--state',
        'completed',
      );
      return rows[0];
    });
    assert.equal(row.type, 'echo');
    const detail = await ok(jobDetail, 'job', row.id);
    assert.deepEqual(detail.data, { mark: 'findable' });
    assert.deepEqual(detail.result, { got: { mark: 'findable' } });
    assert.equal((await ok(z.array(jobRow), 'jobs', '--limit', '1')).length, 1);
    assert.deepEqual(await ok(z.array(jobRow), 'jobs', '--search', 'nothing like it'), []);
    assert.match((await run('jobs', '--search', 'nothing like it')).stdout, /No job matches/);
    assert.match((await run('job', row.id)).stdout, /^Job .*\n {2}type +echo/);
    assert.match((await run('jobs')).stdout, /^id +type +queue +state/);
  });

  it('requeue, promote and remove name every job, done or not', async () => {
    await run('enqueue', 'fail', '--count', '2');
    const failed = await eventually('two failed jobs', async () => {
      const rows = await ok(z.array(jobRow), 'jobs', '--type', 'fail', '--state', 'failed');
      return rows.length === 2 && rows;
    });
    const [first] = failed;
    assert.ok(first !== undefined);
    const mixed = await runJson(bulk, 'requeue', first.id, 'nobody');
    assert.deepEqual(mixed.json.done, [first.id]);
    assert.equal(mixed.json.refused[0]?.id, 'nobody');
    assert.equal(mixed.code, 1);
    await eventually('both to have failed again', async () => {
      const rows = await ok(z.array(jobRow), 'jobs', '--type', 'fail', '--state', 'failed');
      return rows.length === 2;
    });
    assert.equal((await ok(bulk, 'requeue', '--all-failed')).done.length, 2);

    await run('enqueue', 'later');
    const delayed = await jobIn('delayed', 'later');
    assert.deepEqual((await ok(bulk, 'promote', delayed.id)).done, [delayed.id]);
    const last = await jobIn('failed', 'later');
    assert.equal((await run('remove', last.id)).code, 2, 'nobody is there to be asked');
    assert.deepEqual((await ok(bulk, 'remove', '--yes', last.id)).done, [last.id]);
    const text = await run('remove', '--yes', last.id);
    assert.match(text.stdout, /^Not removed: \S+: /);
    assert.equal(text.code, 1);
  });

  it('rerun makes a new job, with the old payload or another, and leaves the old one as it is', async () => {
    const first = await ok(decision, 'enqueue', 'echo', '--data', '{"n":1}');
    const { jobId } = first;
    assert.ok(jobId !== null);
    const completed = (id: string | null) =>
      eventually('the job to be done', async () => {
        const job = await ok(jobDetail, 'job', id ?? '');
        return job.state === 'completed' && job;
      });
    const old = await completed(jobId);
    const same = await ok(decision, 'rerun', jobId);
    assert.deepEqual((await completed(same.jobId)).data, { n: 1 });
    const other = await ok(decision, 'rerun', jobId, '--data', '{"n":2}', '--queue', 'low');
    assert.deepEqual((await completed(other.jobId)).result, { got: { n: 2 } });
    assert.equal(new Set([jobId, same.jobId, other.jobId]).size, 3);
    assert.deepEqual(await completed(jobId), old);
    assert.match((await run('rerun', jobId)).stdout, /^Enqueued echo: job /);
  });

  it('pause and resume tell the queue', async () => {
    assert.equal((await ok(queueRow, 'pause', 'low')).paused, true);
    assert.match((await run('queues')).stdout, /^low +paused/m);
    assert.equal((await ok(queueRow, 'resume', 'low')).paused, false);
    const rows = await ok(z.array(queueRow), 'queues');
    assert.deepEqual(rows.map(({ name }) => name).sort(), ['default', 'low']);
  });

  it('streams, schedules and locks list and act', async () => {
    const [stream] = await ok(z.array(streamRow), 'streams');
    assert.equal(stream?.name, 'nse');
    assert.match((await run('streams')).stdout, /^nse +0\/1 connected/);
    assert.equal((await ok(decision, 'streams', 'stop', 'nse')).action, 'stop_stream');
    assert.equal((await ok(decision, 'streams', 'start', 'nse')).outcome, 'accepted');
    assert.equal((await ok(decision, 'streams', 'start', 'nse')).outcome, 'already_running');
    assert.equal((await ok(decision, 'streams', 'restart', 'nse')).action, 'restart_stream');

    const [schedule] = await ok(z.array(scheduleRow), 'schedules');
    assert.equal(schedule?.rule, 'every 1 h');
    assert.equal((await ok(decision, 'schedules', 'run', 'hourly')).outcome, 'accepted');
    assert.match((await run('schedules')).stdout, /^hourly +echo/m);

    const locks = await ok(z.array(lockRow), 'locks');
    assert.ok(locks.some((lock) => lock.kind === 'scheduler' && lock.holder?.alive === true));
    assert.match((await run('locks')).stdout, /^scheduler:global_lock +scheduler +held/m);
  });

  it('schedules pause, resume and skip, and tell who was the scheduler', async () => {
    const row = async () => (await ok(z.array(scheduleRow), 'schedules'))[0];
    const ask = (...args: string[]) => ok(decision, 'schedules', ...args);
    assert.equal((await ask('pause', 'hourly')).action, 'pause_schedule');
    assert.notEqual((await row())?.pausedAt, null);
    const { stdout } = await run('schedules');
    assert.match(stdout, /^hourly .* paused .* ago/m);
    assert.match(stdout, /^Scheduler: \S+:\d+, fence \d+, for /m);
    const again = await run('schedules', 'pause', 'hourly');
    assert.equal(
      again.stdout.split('\n')[0],
      'Did not pause schedule hourly: the schedule is paused (rule: schedule_paused).',
    );
    assert.equal((await ask('resume', 'hourly')).outcome, 'accepted');
    const skipped = await ask('skip', 'hourly');
    assert.equal(skipped.outcome, 'accepted');
    assert.equal((await row())?.skipSlotAt, skipped.slots?.from);
    assert.match(
      (await run('why', 'hourly')).stdout,
      /Will skip the next slot of hourly: the slot at /,
    );
    const [leader] = await ok(z.array(leaderRow), 'schedules', 'leaders');
    assert.equal(leader?.end, 'holds');
    assert.match(
      (await run('schedules', 'leaders')).stdout,
      /^Scheduler: \S+:\d+, fence \d+, for /,
    );
  });

  it('what is not there is said with what is: exit code 1', async () => {
    for (const [args, message] of [
      [['enqueue', 'nope'], /no job type "nope"/],
      [['job', 'nope'], /no job nope/],
      [['rerun', 'nope'], /no job nope/],
      [['pause', 'nope'], /no queue "nope"/],
      [['streams', 'start', 'nope'], /no stream "nope"/],
      [['schedules', 'run', 'nope'], /no schedule "nope"/],
      [['schedules', 'pause', 'nope'], /no schedule "nope"/],
    ] as const) {
      const { code, json } = await runJson(errorDocument, ...args);
      assert.equal(json.error.code, 'not_found');
      assert.match(json.error.message, message);
      assert.notEqual(json.error.remedy, null);
      assert.equal(code, 1);
    }
  });

  it('doctor looks at everything', async () => {
    const checks = await ok(
      z.array(
        z.strictObject({
          name: z.string(),
          status: z.enum(['ok', 'warning', 'failure']),
          message: z.string(),
          remedy: z.string().nullable(),
        }),
      ),
      'doctor',
    );
    const statusOf = (name: string) => checks.find((check) => check.name === name)?.status;
    for (const name of [
      'node',
      'config',
      'state folder',
      'agent',
      'redis',
      'scheduler',
      'workers',
    ]) {
      assert.equal(statusOf(name), 'ok', name);
    }
    assert.equal(statusOf('streams'), 'warning', 'nobody listens there');
    const { stdout } = await run('doctor');
    assert.match(stdout, /\d+ ok, \d+ warnings, 0 failures\.\n$/);
  });

  it('restart brings another process, stop leaves none', async () => {
    const before = await ok(started, 'start');
    const after = await ok(started, 'restart');
    assert.equal(after.outcome, 'restarted');
    assert.notEqual(after.pid, before.pid);
    const stopped = z.strictObject({
      outcome: z.literal('stopped'),
      pid: z.literal(after.pid),
      forced: z.literal(false),
    });
    await ok(stopped, 'stop');
    await eventually('every process to be gone', () => processesOf(workspace).length === 0);
    const { code, json } = await runJson(errorDocument, 'stop');
    assert.equal(json.error.code, 'no_agent');
    assert.equal(code, 3);
  });
});
