import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import * as z from 'zod';
import { InterlockError } from '../../../agent/common/errors.ts';
import type { HandlerRunner } from '../../../agent/handlers/runner.ts';
import { isAlive } from '../../harness/childProcess.ts';
import { listen, runOnce } from './runOnce.ts';
import { RunnerBench } from './runnerBench.ts';
import { failureOf, onlyPid, waitUntil } from './waitUntil.ts';

const HANDLER = 'behaviours/handler.ts';

const ISOLATED = ['process', 'thread'] as const;

const placeSchema = z.object({ pid: z.number(), threadId: z.number() });

describe('running handlers', function () {
  let bench: RunnerBench;

  before(async () => {
    bench = await RunnerBench.create();
  });
  after(() => bench.remove());

  /** What must be the same in a process, in a thread and in the agent itself. */
  for (const isolation of [...ISOLATED, 'inline'] as const) {
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
        const printed = isolation === 'inline' ? [] : ['two 2', 'three', 'four'];
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

  for (const kind of ISOLATED) {
    describe(`in a ${kind} of its own`, () => {
      afterEach(() => bench.closeRunners());

      it('says how it ended: by process.exit, with its last words', async () => {
        const { hooks, heard } = listen();
        await assert.rejects(runOnce(bench[kind](HANDLER), { do: 'exit' }, hooks), {
          code: 'handler_died',
          message: new RegExp(
            `The ${kind} of .*handler\\.ts ended while the job ran \\(exit code 3\\)`,
          ),
        });
        assert.deepEqual(heard.lines, ['last words']);
      });

      it('says how it ended: it closed its channel', async () => {
        await assert.rejects(runOnce(bench[kind](HANDLER), { do: 'disconnect' }), {
          code: 'handler_died',
        });
      });

      for (const [action, message] of [
        ['rejectLater', /nobody caught RangeError: nobody waits for me/],
        ['throwLater', /nobody caught RangeError: thrown by a timer/],
      ] as const) {
        it(`names what nobody caught and is replaced (${action})`, async () => {
          const runner = bench[kind](HANDLER);
          const error = await failureOf(runOnce(runner, { do: action }));
          assert.equal(error.code, 'handler_died');
          assert.match(error.message, message);
          assert.match(error.message, new RegExp(`^The ${kind} of`));
          assert.match(String(error.details['stack']), /handler\.ts:/);
          assert.equal(await runOnce(runner, { do: 'echo', value: 1 }), 1);
        });
      }

      it('lives on when a handler sends garbage', async () => {
        const runner = bench[kind](HANDLER);
        const place = await runOnce(runner, { do: 'place' });
        assert.equal(await runOnce(runner, { do: 'garbage', value: 'fine' }), 'fine');
        assert.deepEqual(await runOnce(runner, { do: 'place' }), place);
      });

      it('is beside the agent, where it says', async () => {
        const place = await runOnce(bench[kind](HANDLER), { do: 'place' });
        const { pid, threadId } = placeSchema.parse(place);
        const expected = kind === 'thread' ? [true, true] : [false, false];
        assert.deepEqual([pid === process.pid, threadId !== 0], expected);
      });

      it('keeps the order of many lines', async () => {
        const { hooks, heard } = listen();
        await runOnce(bench[kind](HANDLER), { do: 'manyLines', count: 2_000 }, hooks);
        assert.deepEqual(
          heard.lines,
          Array.from({ length: 2_000 }, (_, i) => `line ${i}`),
        );
      });

      it("hides the agent's secrets, and nothing else", async () => {
        process.env['INTERLOCK_TOKEN'] = 'secret';
        process.env['HANDLER_SETTING'] = 'set';
        try {
          const seen = await runOnce(bench[kind](HANDLER), { do: 'environment' });
          assert.deepEqual(seen, [null, 'set']);
        } finally {
          delete process.env['INTERLOCK_TOKEN'];
          delete process.env['HANDLER_SETTING'];
        }
      });

      it('spreads runs over as many as it may have', async () => {
        const runner = bench[kind](HANDLER, { processes: 2 });
        const runs = [1, 2, 3, 4].map((value) => runOnce(runner, { do: 'wait', ms: 50, value }));
        await Promise.all(runs);
        assert.equal(runner.alive, 2);
      });

      it('is replaced after its share of runs', async () => {
        const runner = bench[kind](HANDLER, { maxRunsPerProcess: 2 });
        const places: unknown[] = [];
        for (let i = 0; i < 6; i++) places.push(await runOnce(runner, { do: 'place' }));
        assert.deepEqual([places[0], places[2], places[4]], [places[1], places[3], places[5]]);
        assert.equal(new Set(places.map((place) => JSON.stringify(place))).size, 3);
        await waitUntil('they are gone', () => runner.alive === 0);
      });

      it('finishes its runs when it is recycled', async () => {
        const runner = bench[kind](HANDLER, { maxRunsPerProcess: 2 });
        const slow = runOnce(runner, { do: 'wait', ms: 400, value: 'slow' });
        const first = await runOnce(runner, { do: 'place' });
        assert.notDeepEqual(await runOnce(runner, { do: 'place' }), first);
        assert.equal(await slow, 'slow');
      });

      it('ends when it has nothing to do', async () => {
        const runner = bench[kind](HANDLER, {}, { idleExitMs: 50 });
        await runOnce(runner, { do: 'nothing' });
        await waitUntil('it is gone', () => runner.alive === 0);
        assert.equal(await runOnce(runner, { do: 'echo', value: 'again' }), 'again');
      });

      it('is ended when a run has lost its lease, also in a loop without an end', async () => {
        const runner = bench[kind](HANDLER);
        const cut = new AbortController();
        const mark = bench.path(`blocked-${kind}`);
        const { hooks } = listen({ cut: cut.signal });
        const run = failureOf(runOnce(runner, { do: 'blockWithMark', file: mark }, hooks));
        await waitUntil('the handler blocks', () => existsSync(mark));
        const lost = { code: 'lease_lost', message: 'the lease is lost' } as const;
        const startMs = performance.now();
        cut.abort(new InterlockError(lost));
        assert.equal((await run).code, 'lease_lost');
        assert.ok(performance.now() - startMs < 1_500, 'it was given up, not ended');
        assert.equal(runner.alive, 0);
        assert.equal(await runOnce(runner, { do: 'echo', value: 'next' }), 'next');
      });
    });

    describe(`closing with a ${kind}`, () => {
      afterEach(() => bench.closeRunners());

      it('lets runs finish that do so in time', async () => {
        const runner = bench[kind](HANDLER);
        const { hooks, heard } = listen();
        const run = runOnce(runner, { do: 'tell' }, hooks);
        await Promise.all([runner.close(10_000), run]);
        assert.equal(heard.lines.length, 4);
        assert.equal(runner.alive, 0);
      });

      for (const action of ['untilAborted', 'ignoreEnd', 'block']) {
        it(`leaves nothing of a handler that does not end (${action})`, async () => {
          const runner = bench[kind](HANDLER);
          await runOnce(runner, { do: 'nothing' });
          const pids = runner.processIds();
          assert.equal(pids.length, kind === 'process' ? 1 : 0);
          const run = runOnce(runner, { do: action });
          const checked =
            action === 'untilAborted' ? run : assert.rejects(run, { code: 'agent_stopping' });
          const startMs = performance.now();
          await runner.close(500);
          assert.ok(performance.now() - startMs < 1_500, 'it took too long');
          assert.deepEqual([runner.alive, pids.some(isAlive)], [0, false]);
          await checked;
        });
      }

      it('ends what is still loading', async () => {
        const runner = bench[kind]('failing/neverLoads.ts');
        const run = runOnce(runner, {});
        const failed = assert.rejects(run, { code: 'agent_stopping' });
        const pids = runner.processIds();
        await runner.close(300);
        await failed;
        assert.deepEqual([runner.alive, pids.some(isAlive)], [0, false]);
      });
    });
  }

  it('in a process: says that a signal ended it', async () => {
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
    await bench.closeRunners();
  });

  it('in a thread: says that its memory is used up, and only the thread ends', async () => {
    const runner = bench.thread(HANDLER, {}, { heapLimitMb: 32 });
    await assert.rejects(runOnce(runner, { do: 'fillMemory' }), {
      code: 'handler_died',
      message: /The thread of .*handler\.ts ended while the job ran \(its heap has no room left\)/,
    });
    assert.equal(await runOnce(runner, { do: 'echo', value: 'next' }), 'next');
    await bench.closeRunners();
  });

  it('in a thread: starts with options of Node that only a process can have', async () => {
    const before = process.env['NODE_OPTIONS'];
    // Without the option of the inspector these differ from the agent's own, so Node checks them.
    process.env['NODE_OPTIONS'] = '--inspect-port=0 --title=agent';
    try {
      assert.equal(await runOnce(bench.thread(HANDLER), { do: 'echo', value: 1 }), 1);
    } finally {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
      await bench.closeRunners();
    }
  });
});
