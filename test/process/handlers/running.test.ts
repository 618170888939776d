import assert from 'node:assert/strict';
import type { HandlerRunner } from '../../../agent/handlers/runner.ts';
import { isAlive } from '../../harness/childProcess.ts';
import { listen, runOnce } from './runOnce.ts';
import { RunnerBench } from './runnerBench.ts';
import { failureOf, onlyPid, waitUntil } from './waitUntil.ts';

const HANDLER = 'behaviours/handler.ts';

describe('running handlers', function () {
  let bench: RunnerBench;

  before(async () => {
    bench = await RunnerBench.create();
  });
  after(() => bench.remove());

  /** What must be the same in a process and in the agent itself. */
  for (const isolation of ['process', 'inline'] as const) {
    describe(isolation, () => {
      let runner: HandlerRunner;

      before(() => {
        runner = bench[isolation](HANDLER);
      });
      after(() => bench.closeRunners());

      it('gives the job and the context', async () => {
        const request = { jobId: '7', queue: 'low', type: 'demo', data: { do: 'job' } };
        const { hooks } = listen();
        const result = await runner.run(
          { ...request, attempt: 2, fence: 41, isReplay: true, enqueuedAtMs: 1_000, asks: 'run' },
          hooks,
        );
        assert.deepEqual(result, {
          ...{ id: '7', queue: 'low', type: 'demo', data: { do: 'job' }, attempt: 2 },
          ...{ enqueuedAt: '1970-01-01T00:00:01.000Z', fence: 41, isReplay: true },
        });
      });

      it('makes JSON of what has a JSON form', async () => {
        assert.equal(await runOnce(runner, { do: 'nothing' }), null);
        assert.deepEqual(await runOnce(runner, { do: 'date' }), { at: '1970-01-01T00:00:00.000Z' });
      });

      for (const [action, problem] of [
        ['bigint', /not JSON: `list\[1\]\.amount` is a BigInt/],
        ['cycle', /not JSON: `self` refers back to itself/],
        ['function', /not JSON: the value is a function/],
      ] as const) {
        it(`refuses a result with a ${action}`, async () => {
          await assert.rejects(runOnce(runner, { do: action }), {
            code: 'handler_result_invalid',
            message: problem,
          });
        });
      }

      it('keeps the stack of what a handler throws', async () => {
        const error = await failureOf(runOnce(runner, { do: 'throwError' }));
        assert.equal(error.code, 'handler_failed');
        assert.match(error.message, /behaviours\/handler\.ts failed: no such account$/);
        assert.match(
          String(error.details['stack']),
          /^TypeError: no such account\n.*handler\.ts[?:]/,
        );
        assert.equal(error.details['errorName'], 'TypeError');
      });

      it('says that something thrown is no Error', async () => {
        await assert.rejects(runOnce(runner, { do: 'throwString' }), {
          code: 'handler_failed',
          message:
            /handler\.ts failed: it threw something that is no Error: 'just text' \(string\)/,
        });
        await assert.rejects(runOnce(runner, { do: 'throwNothing' }), {
          code: 'handler_failed',
          message: /no Error: undefined \(undefined\)/,
        });
      });

      it('aborts the signal with the reason, also when it is asked for late', async () => {
        for (const [action, expected] of [
          ['untilAborted', 'aborted: the lease is lost'],
          ['aborted', 'seen late'],
        ] as const) {
          const { hooks, heard, abort } = listen();
          const run = runOnce(runner, { do: action }, hooks);
          await waitUntil('the handler waits', () => heard.lines.length === 1);
          abort.abort(new Error('the lease is lost'));
          assert.equal(await run, expected);
        }
      });

      it('aborts a run whose signal was aborted before it began', async () => {
        const { hooks } = listen({ signal: AbortSignal.abort(new Error('too late')) });
        assert.equal(await runOnce(runner, { do: 'untilAborted' }, hooks), 'aborted: too late');
      });

      it('tells log lines and the newest progress before the result', async () => {
        const { hooks, heard } = listen();
        await runOnce(runner, { do: 'tell' }, hooks);
        const printed = isolation === 'process' ? ['two 2', 'three', 'four'] : [];
        assert.deepEqual(heard.lines, ['one formatted { a: 1 }', ...printed]);
        assert.deepEqual(heard.progress.at(-1), { step: 'last' });
      });

      it('refuses progress that is not JSON', async () => {
        await assert.rejects(runOnce(runner, { do: 'badProgress' }), {
          code: 'handler_failed',
          message: /The progress must be JSON, but the value is a BigInt/,
        });
      });

      it('does not fail a run whose hooks fail', async () => {
        const { hooks } = listen({
          log: () => Promise.reject(new Error('Redis is gone')),
          progress: () => Promise.reject(new Error('Redis is gone')),
        });
        assert.equal(await runOnce(runner, { do: 'tell' }, hooks), null);
      });

      it('answers enqueue with the decision, or with the reason why there is none', async () => {
        const { hooks, heard } = listen();
        const decision = await runOnce(runner, { do: 'enqueue', type: 'other' }, hooks);
        assert.equal(heard.enqueued[0]?.type, 'other');
        assert.match(JSON.stringify(decision), /"jobId":"new-1"/);
        const broken = listen({ enqueue: () => Promise.reject(new Error('no such type')) });
        const caught = await runOnce(runner, { do: 'enqueueCaught', type: 'x' }, broken.hooks);
        assert.equal(caught, 'no such type');
      });

      it('gives each of 1,000 runs at one time its own result', async () => {
        const values = Array.from({ length: 1_000 }, (_, value) => value);
        const runs = values.map((value) =>
          runOnce(runner, { do: 'wait', ms: (value * 7) % 20, value }),
        );
        assert.deepEqual(await Promise.all(runs), values);
      });

      it('takes no runs after it is closed', async () => {
        const closed = bench[isolation](HANDLER);
        await closed.close(100);
        await assert.rejects(runOnce(closed, { do: 'nothing' }), { code: 'agent_stopping' });
      });
    });
  }

  describe('in a process of its own', () => {
    afterEach(() => bench.closeRunners());

    it('says how a process ended: by a signal', async () => {
      const runner = bench.process(HANDLER);
      const { hooks, heard } = listen();
      const run = runOnce(runner, { do: 'untilAborted' }, hooks);
      await waitUntil('the handler waits', () => heard.lines.length === 1);
      process.kill(onlyPid(runner), 'SIGKILL');
      await assert.rejects(run, {
        code: 'handler_died',
        message: /handler\.ts ended while the job ran \(signal SIGKILL\)/,
      });
      assert.equal(await runOnce(runner, { do: 'echo', value: 'next' }), 'next');
    });

    it('says how a process ended: by process.exit, with its last words', async () => {
      await assert.rejects(runOnce(bench.process(HANDLER), { do: 'exit' }), {
        code: 'handler_died',
        message: /handler\.ts ended while the job ran \(exit code 3\)/,
      });
    });

    it('says how a process ended: it closed its channel', async () => {
      await assert.rejects(runOnce(bench.process(HANDLER), { do: 'disconnect' }), {
        code: 'handler_died',
      });
    });

    for (const [action, message] of [
      ['rejectLater', /nobody caught RangeError: nobody waits for me/],
      ['throwLater', /nobody caught RangeError: thrown by a timer/],
    ] as const) {
      it(`names what nobody caught and replaces the process (${action})`, async () => {
        const runner = bench.process(HANDLER);
        const error = await failureOf(runOnce(runner, { do: action }));
        assert.equal(error.code, 'handler_died');
        assert.match(error.message, message);
        assert.match(String(error.details['stack']), /handler\.ts:/);
        assert.equal(await runOnce(runner, { do: 'echo', value: 1 }), 1);
      });
    }

    it('lives on when a handler sends garbage', async () => {
      const runner = bench.process(HANDLER);
      const pid = await runOnce(runner, { do: 'pid' });
      assert.equal(await runOnce(runner, { do: 'garbage', value: 'fine' }), 'fine');
      assert.equal(await runOnce(runner, { do: 'pid' }), pid);
    });

    it('keeps the order of many lines', async () => {
      const { hooks, heard } = listen();
      await runOnce(bench.process(HANDLER), { do: 'manyLines', count: 2_000 }, hooks);
      assert.deepEqual(
        heard.lines,
        Array.from({ length: 2_000 }, (_, i) => `line ${i}`),
      );
    });

    it("hides the agent's secrets, and nothing else", async () => {
      process.env['INTERLOCK_TOKEN'] = 'secret';
      process.env['HANDLER_SETTING'] = 'set';
      try {
        const seen = await runOnce(bench.process(HANDLER), { do: 'environment' });
        assert.deepEqual(seen, [null, 'set']);
      } finally {
        delete process.env['INTERLOCK_TOKEN'];
        delete process.env['HANDLER_SETTING'];
      }
    });

    it('spreads runs over its processes', async () => {
      const runner = bench.process(HANDLER, { processes: 2 });
      const runs = [1, 2, 3, 4].map((value) => runOnce(runner, { do: 'wait', ms: 50, value }));
      await Promise.all(runs);
      assert.equal(runner.processIds().length, 2);
    });

    it('replaces a process after its share of runs', async () => {
      const runner = bench.process(HANDLER, { maxRunsPerProcess: 2 });
      const pids: unknown[] = [];
      for (let i = 0; i < 6; i++) pids.push(await runOnce(runner, { do: 'pid' }));
      assert.deepEqual([pids[0], pids[2], pids[4]], [pids[1], pids[3], pids[5]]);
      assert.equal(new Set(pids).size, 3);
      await waitUntil('they are gone', () => runner.processIds().length === 0);
    });

    it('lets a recycled process finish its runs', async () => {
      const runner = bench.process(HANDLER, { maxRunsPerProcess: 2 });
      const slow = runOnce(runner, { do: 'wait', ms: 400, value: 'slow' });
      const first = await runOnce(runner, { do: 'pid' });
      assert.notEqual(await runOnce(runner, { do: 'pid' }), first);
      assert.equal(await slow, 'slow');
    });

    it('ends a process that has nothing to do', async () => {
      const runner = bench.process(HANDLER, {}, { idleExitMs: 50 });
      await runOnce(runner, { do: 'nothing' });
      await waitUntil('the process is gone', () => runner.processIds().length === 0);
      assert.equal(await runOnce(runner, { do: 'echo', value: 'again' }), 'again');
    });
  });

  describe('closing', () => {
    it('lets runs finish that do so in time', async () => {
      const runner = bench.process(HANDLER);
      const { hooks, heard } = listen();
      const run = runOnce(runner, { do: 'tell' }, hooks);
      await Promise.all([runner.close(10_000), run]);
      assert.equal(heard.lines.length, 4);
      assert.deepEqual(runner.processIds(), []);
    });

    for (const action of ['untilAborted', 'ignoreEnd', 'block']) {
      it(`leaves no process with a handler that does not end (${action})`, async () => {
        const runner = bench.process(HANDLER);
        await runOnce(runner, { do: 'nothing' });
        const pid = onlyPid(runner);
        const run = runOnce(runner, { do: action });
        const checked =
          action === 'untilAborted' ? run : assert.rejects(run, { code: 'agent_stopping' });
        const startMs = performance.now();
        await runner.close(500);
        assert.ok(performance.now() - startMs < 1_500, 'it took too long');
        assert.ok(!isAlive(pid));
        await checked;
      });
    }

    it('ends a process that is still loading', async () => {
      const runner = bench.process('failing/neverLoads.ts');
      const run = runOnce(runner, {});
      const failed = assert.rejects(run, { code: 'agent_stopping' });
      const pid = onlyPid(runner);
      await runner.close(300);
      await failed;
      assert.ok(!isAlive(pid));
    });
  });
});
