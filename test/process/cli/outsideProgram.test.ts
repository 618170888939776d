import assert from 'node:assert/strict';
import { Queue } from 'bullmq';
import * as z from 'zod';
import {
  jobDetail,
  jobRow,
  lockRow,
  queueRow,
  scheduleRow,
} from '../../../agent/protocol/model.ts';
import { startBareWorker } from '../../harness/bareWorker.ts';
import type { StartedProcess } from '../../harness/childProcess.ts';
import { eventually } from '../../harness/eventually.ts';
import { RedisServer } from '../../harness/redisServer.ts';
import { makeWorkspace, type TestWorkspace } from '../../harness/workspace.ts';
import { errorDocument } from './errorDocument.ts';
import { interlock, interlockJson } from './interlock.ts';

const FOR_EVER_MS = 600_000;

describe('an application with BullMQ that nothing was configured for', () => {
  let redis: RedisServer;
  let workspace: TestWorkspace;
  let queue: Queue;
  let worker: StartedProcess;
  let running: string;
  let metaBefore: Record<string, string>;

  const told = async <S extends z.ZodType>(schema: S, ...args: string[]) => {
    const { code, json } = await interlockJson(workspace, schema, ...args);
    assert.equal(code, 0);
    return json;
  };

  before(async () => {
    redis = await RedisServer.start();
    workspace = makeWorkspace();
    queue = new Queue('emails', {
      ...{ connection: redis.client(), streams: { events: { maxLen: 500 } } },
    });
    worker = await startBareWorker({ url: redis.url, queue: 'emails', name: 'mailer' });
    const job = await queue.add(
      'send',
      { to: 'a@example.com', waitMs: FOR_EVER_MS },
      { deduplication: { id: 'a@example.com' } },
    );
    running = job.id ?? '';
    await queue.upsertJobScheduler(
      'nightly',
      { pattern: '0 3 * * *', tz: 'UTC' },
      { name: 'digest' },
    );
    await queue.upsertJobScheduler('lost', { every: 3_600_000, startDate: Date.now() + 60_000 });
    const lost = (await queue.getDelayed()).find(({ repeatJobKey }) => repeatJobKey === 'lost');
    await redis.client().del(`bull:emails:${lost?.id ?? ''}`);
    metaBefore = await redis.client().hgetall('bull:emails:meta');
    assert.equal((await interlock(workspace, 'start', '--redis', redis.url)).code, 0);
    await eventually('its queue to be found', async () => {
      const queues = await told(z.array(queueRow), 'queues');
      return queues.some(({ name }) => name === 'emails');
    });
  });
  after(async () => {
    await interlock(workspace, 'stop');
    worker.child.kill('SIGKILL');
    await worker.ended;
    await queue.close();
    await redis.stop();
    workspace.remove();
  });

  it('shows its jobs, with the worker that runs them', async () => {
    const job = await eventually('the run', async () => {
      const [row] = await told(z.array(jobRow), 'jobs', '--type', 'send');
      return row?.outside !== undefined && row;
    });
    assert.deepEqual([job.id, job.outside?.worker, job.key], [running, 'mailer', 'a@example.com']);
    const detail = await told(jobDetail, 'job', running);
    assert.deepEqual(detail.data, { to: 'a@example.com', waitMs: FOR_EVER_MS });
  });

  it('shows its locks: that of the run, and the key that keeps a second one out', async () => {
    const locks = await told(z.array(lockRow), 'locks');
    const kinds = new Map(locks.map((lock) => [lock.kind, lock]));
    assert.equal(kinds.get('job')?.job?.id, running);
    assert.equal(kinds.get('dedup')?.name, 'dedup:emails/a@example.com');
  });

  it('shows its schedules, and why one of them makes no job any more', async () => {
    const rows = await told(z.array(scheduleRow), 'schedules');
    assert.deepEqual(rows.map(({ name, rule, outside }) => [name, rule, outside?.state]).sort(), [
      ['emails/lost', 'every 1 h', 'stuck'],
      ['emails/nightly', 'cron 0 3 * * *', 'scheduled'],
    ]);
    const { stdout } = await interlock(workspace, 'schedules');
    assert.match(stdout, /^emails\/nightly +digest +cron 0 3 \* \* \* UTC +in .* BullMQ /m);
    assert.match(stdout, /^emails\/lost is stuck: .* call upsertJobScheduler again\.$/m);
    const why = await interlock(workspace, 'why', 'emails/lost');
    assert.match(why.stdout, /^Now: emails\/lost is stuck: /m);
  });

  it('explains its job types, and has the doctor look at it', async () => {
    const why = await interlock(workspace, 'why', 'send');
    assert.match(
      why.stdout,
      /^Now: job 1 \(a@example.com\) has been running for .* in worker "mailer"/m,
    );
    assert.equal((await interlock(workspace, 'why', 'digest')).code, 0);
    const { stdout } = await interlock(workspace, 'doctor', '--redis', redis.url);
    assert.match(stdout, /^warning +stuck schedules +.*: emails\/lost\.$/m);
  });

  it('leaves its schedules to it', async () => {
    const asked = ['schedules', 'pause', 'emails/nightly'];
    const { code, json } = await interlockJson(workspace, errorDocument, ...asked);
    assert.deepEqual([code, json.error.code], [1, 'not_found']);
    assert.match(json.error.remedy ?? '', /other BullMQ programs are only shown/);
  });

  it('was not changed by all that', async () => {
    assert.deepEqual(await redis.client().hgetall('bull:emails:meta'), metaBefore);
    assert.equal(metaBefore['opts.maxLenEvents'], '500');
  });
});
