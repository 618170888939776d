import assert from 'node:assert/strict';
import { Worker, type Job } from 'bullmq';
import fc from 'fast-check';
import { keyOfJob, LastCheck } from '../../../agent/jobs/lastCheck.ts';
import { startTestRedis, type TestRedis } from '../../harness/testRedis.ts';
import { makeCore, type Core } from '../leases/core.ts';
import { ATTEMPTS, LIMIT, RulesModel, TYPES, type ModelJob, type Request } from './rulesModel.ts';

const RETRY = { retry: { max: ATTEMPTS - 1, intervals: ['1h'] }, handler: 'x' };
const BY = { by: ['key'] };
const CONFIG = {
  jobs: {
    both: { ...RETRY, unique: BY },
    limited: { ...RETRY, unique: BY, maxConcurrent: LIMIT },
    again: { ...RETRY, unique: { ...BY, onConflict: 'reschedule' } },
    replaced: { ...RETRY, unique: { ...BY, onConflict: 'replace' } },
    queued: { ...RETRY, unique: { ...BY, while: 'queued' } },
    running: { ...RETRY, unique: { ...BY, while: 'running' } },
  },
};

const TIME_LIMIT_MS = 10_000;

const request = fc.record({
  type: fc.constantFrom(...TYPES),
  key: fc.constantFrom('a', 'b'),
  priority: fc.constantFrom(0, 0, 5, 10),
});
/** `pick` chooses among the jobs that an action can be done to. */
const pick = fc.nat({ max: 999 });

const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ do: fc.constant('enqueue' as const), request }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('addForeign' as const), request }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('start' as const) }) },
  ...(['finish', 'fail', 'promote', 'kill', 'remove', 'requeue'] as const).map((name) => ({
    weight: 2,
    arbitrary: fc.record({ do: fc.constant(name), pick }),
  })),
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('pause' as const, 'resume' as const) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A queue with its rules, a worker whose every move is told to it, and the model beside them. */
class Comparison {
  private readonly model = new RulesModel();
  private readonly running = new Map<string, { job: Job; token: string }>();
  private readonly worker: Worker;
  private readonly check: LastCheck;
  private asked = 0;
  private skipped = 0;
  private requeuesRefused = 0;
  private requeuesDone = 0;

  constructor(private readonly core: Core) {
    this.worker = new Worker('default', null, {
      ...{ connection: core.redis, autorun: false, name: 'worker', lockDuration: 60_000 },
      prefix: core.config.redis.prefix,
      ...{ skipLockRenewal: true, skipStalledCheck: true },
      settings: { backoffStrategy: () => 3_600_000 },
    });
    const { scripts, keys, decisions } = core;
    this.check = new LastCheck(scripts, keys, decisions, (queue) => keys.queue(queue, ''));
  }

  async close(): Promise<void> {
    await this.worker.close(true);
  }

  async take(move: Step): Promise<void> {
    switch (move.do) {
      case 'enqueue':
        return this.enqueue({ ...move.request, note: String(this.asked) });
      case 'addForeign':
        return this.addForeign({ ...move.request, note: 'foreign' });
      case 'start':
        return this.start();
      case 'pause':
        return this.queue.pause();
      case 'resume':
        return this.queue.resume();
      case 'finish':
      case 'fail':
      case 'promote':
      case 'kill':
      case 'remove':
      case 'requeue':
        return this.act(move.do, move.pick);
    }
  }

  /** Every job is where the model says, and what must hold in any case does. */
  async compare(): Promise<void> {
    assert.deepEqual(this.model.violations(), []);
    for (const job of this.model.jobs.values()) {
      assert.equal(await this.queue.getJobState(job.id), job.state, `state of ${job.id}`);
    }
  }

  /** Every answer is in the record, each refusal with who is in the way. */
  async compareRecord(): Promise<void> {
    const recorded = await this.core.recorded();
    const of = (action: string) => recorded.filter((one) => one.action === action);
    assert.equal(of('enqueue').length, this.asked);
    assert.equal(of('execute').length, this.skipped);
    assert.equal(of('requeue').length, this.requeuesDone + this.requeuesRefused);
    for (const one of recorded.filter(({ outcome }) => outcome !== 'accepted'))
      assert.notEqual(one.survivor, null);
    for (const one of recorded.filter(({ outcome }) => outcome.startsWith('already_')))
      assert.notEqual(one.remedy, null);
  }

  private get queue() {
    return this.core.queues.get('default');
  }

  private async enqueue(wanted: Request): Promise<void> {
    const { type, key, priority, note } = wanted;
    const expected = this.model.expect(wanted);
    this.asked += 1;
    const answer = await this.core.enqueuer.enqueue({
      ...{ type, data: { key, note } },
      ...(priority === 0 ? {} : { priority }),
    });
    assert.deepEqual(
      {
        ...{ outcome: answer.outcome, reason: answer.reason },
        survivor: answer.survivor?.jobId ?? null,
      },
      expected,
    );
    this.model.apply(wanted, expected, answer.jobId ?? '');
  }

  private async addForeign(wanted: Request): Promise<void> {
    const { type, key, note, priority } = wanted;
    const jobId = `f${this.model.jobs.size}-${this.asked}-${Math.random()}`;
    const options = { jobId, attempts: ATTEMPTS, backoff: { type: 'custom' } };
    await this.queue.add(type, { key, note }, { ...options, ...(priority > 0 && { priority }) });
    this.model.addForeign(wanted, jobId);
  }

  private async start(): Promise<void> {
    const token = `token ${Math.random()}`;
    const job = await nextJob(this.worker, token);
    if (job?.id === undefined) return;
    const rules = this.core.queues.rulesOf(job.name);
    assert.ok(rules !== undefined);
    const note = this.model.job(job.id).note;
    assert.equal((job.data as { note: string }).note, note);
    const expected = this.model.begin(job.id);
    const key = await keyOfJob(job, rules, () => Promise.resolve(null));
    const { go } = await this.check.check(job, token, rules, key);
    assert.equal(go ? 'run' : 'skip', expected, `${job.name} ${job.id}`);
    if (go) {
      this.running.set(job.id, { job, token });
      return;
    }
    this.skipped += 1;
    await job.moveToCompleted(null, token, false);
    this.model.end(job.id, 'completed');
  }

  private async act(
    what: 'finish' | 'fail' | 'promote' | 'kill' | 'remove' | 'requeue',
    n: number,
  ) {
    const job = oneOf(this.candidates(what), n);
    if (job === undefined) return;
    const run = this.running.get(job.id);
    if (what === 'finish') {
      await run?.job.moveToCompleted(null, run.token, false);
      this.model.end(job.id, 'completed');
    } else if (what === 'fail') {
      await run?.job.moveToFailed(new Error('told to'), run.token, false);
      this.model.fail(job.id);
    } else if (what === 'kill') {
      await this.takeOver(job, run?.token ?? '');
      this.model.giveBack(job.id);
    } else if (what === 'promote') {
      const { done } = await this.core.actions.promote([{ id: job.id }]);
      assert.deepEqual(done, [job.id]);
      this.model.promote(job.id);
    } else if (what === 'remove') {
      const { done } = await this.core.actions.remove([{ id: job.id }]);
      assert.equal(done.length === 1, this.model.remove(job.id));
    } else {
      const { done } = await this.core.actions.requeue([{ id: job.id }]);
      assert.equal(done.length === 1, this.model.requeue(job.id), `requeue of ${job.id}`);
      if (done.length === 1) this.requeuesDone += 1;
      else this.requeuesRefused += 1;
    }
    this.running.delete(job.id);
  }

  private candidates(what: string): ModelJob[] {
    if (what === 'promote') return this.model.inState('delayed');
    if (what === 'requeue') return this.model.inState('failed');
    if (what === 'remove') return this.model.inState('waiting', 'prioritized', 'delayed', 'failed');
    return this.model.inState('active');
  }

  /** As an agent does with a job whose worker it has proven dead. */
  private async takeOver({ id, type }: ModelJob, token: string): Promise<void> {
    const { scripts, keys } = this.core;
    const of = (part: string) => keys.queue('default', part);
    await scripts.run(
      'takeOverJob',
      [
        ...[of('active'), of('wait'), of('stalled'), of('meta'), of('marker'), of('events')],
        ...[keys.job('default', id), keys.jobLock('default', id), keys.running(type)],
      ],
      [id, 'worker', token, '', 'agent'],
    );
  }
}

function oneOf<T>(all: T[], n: number): T | undefined {
  return all[n % Math.max(1, all.length)];
}

/** BullMQ's types do not tell that there may be none. */
function nextJob(worker: Worker, token: string): Promise<Job | undefined> {
  return worker.getNextJob(token, { block: false });
}

describe('the rules, in any order of events', function () {
  let server: TestRedis;

  before(async () => (server = await startTestRedis()));
  after(() => server.stop());

  it('answer as a small model says', async () => {
    const redis = server.client();
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 40, maxLength: 60 }), async (moves) => {
        const core = makeCore(server, { config: CONFIG, redis });
        await server.flush();
        const comparison = new Comparison(core);
        try {
          for (const move of moves) {
            await comparison.take(move);
            await comparison.compare();
          }
          await comparison.compareRecord();
        } finally {
          await comparison.close();
        }
      }),
      { numRuns: 60, interruptAfterTimeLimit: TIME_LIMIT_MS, endOnFailure: false },
    );
  });
});
