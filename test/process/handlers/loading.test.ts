import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JsonValue } from '../../../agent/common/json.ts';
import { runOnce } from './runOnce.ts';
import { RunnerBench } from './runnerBench.ts';
import { failureOf, waitUntil } from './waitUntil.ts';

interface Loads {
  name: string;
  file: string;
  data?: JsonValue;
  result: JsonValue;
}

const LOADS: Loads[] = [
  {
    name: 'TypeScript as ES module, with every way to import',
    file: 'esm-ts/handler.ts',
    result: { file: 'handler.ts', double: 6, triple: 9, folder: 'index', sides: 4 },
  },
  {
    name: 'enums, namespaces and parameter properties',
    file: 'esm-ts/enums.ts',
    result: ['green', 'first', 'box'],
  },
  {
    name: 'TypeScript as CommonJS',
    file: 'cjs-ts/handler.ts',
    result: { file: 'handler.ts', half: 1.5, quarter: 0.75 },
  },
  {
    name: 'imports in a package of "type": "commonjs"',
    file: 'typed-commonjs/handler.ts',
    result: { tenfold: 30, name: 'b' },
  },
  { name: 'CommonJS that requires an ES module', file: 'typed-commonjs/requiring.cts', result: 30 },
  { name: 'an ES module without "type"', file: 'untyped/esm.ts', result: 'esm' },
  { name: 'CommonJS without "type"', file: 'untyped/cjs.ts', result: 'cjs function' },
  { name: '.mts', file: 'untyped/always.mts', result: 'mts' },
  { name: '.cts', file: 'untyped/always.cts', result: 'cts' },
  {
    name: 'a linked package of a monorepo',
    file: 'mono/app/handler.ts',
    data: { name: 'you' },
    result: 'HELLO YOU',
  },
  {
    name: 'JavaScript as ES module',
    file: 'js-esm/handler.js',
    data: 1,
    result: { js: 'esm', one: 1, data: 1 },
  },
  {
    name: 'JavaScript as CommonJS',
    file: 'js-cjs/handler.js',
    data: 1,
    result: { js: 'cjs', one: 1, data: 1 },
  },
  { name: 'CommonJS compiled from an ES module', file: 'js-cjs/compiled.js', result: 'compiled' },
];

interface Fails {
  file: string;
  message: RegExp;
}

const FAILS: Fails[] = [
  {
    file: 'failing/syntax.ts',
    message: /syntax\.ts can not be loaded: SyntaxError: .*syntax\.ts:2:17\)/,
  },
  {
    file: 'failing/syntax.js',
    message: /syntax\.js can not be loaded: SyntaxError: .*syntax\.js:2:3[0-9]\)/,
  },
  {
    file: 'failing/importsSyntax.ts',
    message: /importsSyntax\.ts can not be loaded: .*\/syntax\.ts:2:17\)/,
  },
  { file: 'failing/missingImport.ts', message: /missingImport\.ts can not be loaded: .*gone\.ts/ },
  {
    file: 'failing/missingName.ts',
    message: /missingName\.ts can not be loaded: .*'nothing'.*missingName\.ts:1\)/,
  },
  {
    file: 'failing/noDefault.ts',
    message: /noDefault\.ts can not be loaded: it has no default export/,
  },
  {
    file: 'failing/notFunction.ts',
    message: /notFunction\.ts can not be loaded: .*no function but an object with run/,
  },
  {
    file: 'failing/throws.ts',
    message: /throws\.ts can not be loaded: the database is not there \(.*throws\.ts:3:7\)/,
  },
  { file: 'failing/notThere.ts', message: /notThere\.ts can not be loaded: .*Cannot find module/ },
];

describe('loading handlers', function () {
  let bench: RunnerBench;

  before(async () => {
    bench = await RunnerBench.create();
  });
  afterEach(() => bench.closeRunners());
  after(() => bench.remove());

  for (const kind of ['process', 'thread'] as const) {
    describe(`in a ${kind}`, () => {
      for (const { name, file, data, result } of LOADS) {
        it(`loads ${name}`, async () => {
          const value = await runOnce(bench[kind](file), data ?? { value: 3 });
          assert.deepEqual(value, result);
        });
      }

      for (const { file, message } of FAILS) {
        it(`says why ${file} can not be loaded`, async () => {
          const runner = bench[kind](file);
          await assert.rejects(runOnce(runner, {}), { code: 'handler_load_failed', message });
          await waitUntil('it is gone', () => runner.alive === 0);
        });
      }

      it('says that it ended while it loaded, and what it wrote last', async () => {
        await assert.rejects(runOnce(bench[kind]('failing/exits.ts'), {}), {
          code: 'handler_load_failed',
          message: new RegExp(
            `exits\\.ts can not be loaded: its ${kind} ended \\(exit code 7\\): bye`,
          ),
        });
      });

      it('gives up on a handler that never finishes loading', async () => {
        const runner = bench[kind]('failing/neverLoads.ts', {}, { loadTimeoutMs: 700 });
        await assert.rejects(runOnce(runner, {}), {
          code: 'handler_load_failed',
          message: /neverLoads\.ts can not be loaded: it did not finish loading in 0\.7 s/,
        });
      });

      it('shows the lines that people wrote in the stack of rewritten code', async () => {
        const failed = await failureOf(runOnce(bench[kind]('esm-ts/enums.ts'), { fail: true }));
        assert.match(String(failed.details['stack']), /enums\.ts:1[89]:/);
      });

      describe('edited code', () => {
        const edits: { file: string; text: (value: string) => string }[] = [
          { file: 'edited/esm/lib.ts', text: (v) => `export const value: string = '${v}';` },
          { file: 'edited/cjs/lib.ts', text: (v) => `exports.value = '${v}' as string;` },
          { file: 'edited/js/lib.js', text: (v) => `export const value = '${v}';` },
        ];
        for (const { file, text } of edits) {
          it(`of ${file} is used by the next run`, async () => {
            const lib = bench.path(file);
            const runner = bench[kind](file.replace('lib', 'handler'));
            for (const value of ['first', 'second edit', 'third edit, longer']) {
              await writeFile(lib, text(value));
              await untilChecked();
              assert.equal(await runOnce(runner, {}), value);
            }
            await waitUntil('the old ones are gone', () => runner.alive === 1);
          });
        }

        it('lets the runs of the old code finish', async () => {
          const lib = bench.path('edited/esm/lib.ts');
          await writeFile(lib, `export const value: string = 'old';`);
          const runner = bench[kind]('edited/esm/handler.ts');
          assert.equal(await runOnce(runner, {}), 'old');
          const slow = runOnce(runner, { waitMs: 300 });
          await writeFile(lib, `export const value: string = 'brand new';`);
          await untilChecked();
          assert.equal(await runOnce(runner, {}), 'brand new');
          assert.equal(await slow, 'old');
        });

        it('of a linked package is used by the next run', async () => {
          const runner = bench[kind]('mono/app/handler.ts');
          assert.equal(await runOnce(runner, { name: 'you' }), 'HELLO YOU');
          const shared = bench.path('mono/packages/shared/src/index.ts');
          const before = await readFile(shared);
          const edited = 'export const greet = (name: string): string => `good day ${name}`;';
          await writeFile(shared, edited);
          await untilChecked();
          assert.equal(await runOnce(runner, { name: 'you' }), 'GOOD DAY YOU');
          await writeFile(shared, before);
        });

        it('is loaded after a failure', async () => {
          const file = bench.path('edited/esm/repaired.ts');
          await writeFile(file, 'export default () => 1 +;');
          const runner = bench[kind]('edited/esm/repaired.ts');
          await assert.rejects(runOnce(runner, {}), { code: 'handler_load_failed' });
          await writeFile(file, 'export default (): string => "repaired";');
          assert.equal(await runOnce(runner, {}), 'repaired');
        });
      });
    });
  }

  it('keeps what loads TypeScript in a thread out of the agent', async () => {
    const { stdout } = await run(process.execPath, [
      ...['-e', LOADS_IN_A_THREAD, join(bench.programFolder, 'handlerHost.js')],
      bench.path('esm-ts/enums.ts'),
    ]);
    assert.equal(stdout, 'the thread: ready\nthe agent: import fails, require fails\n');
  });
});

const run = promisify(execFile);

/** What has to be rewritten is loaded by no Node by itself. */
const LOADS_IN_A_THREAD = `
const { Worker } = require('node:worker_threads');
const [program, file] = process.argv.slice(1);
const worker = new Worker(program, { argv: ['interlock-handler', 'demo', file, '1000', 'plain'] });
const tried = (load) => load().then(() => 'works', () => 'fails');
worker.on('message', async (batch) => {
  if (!batch.some(({ kind }) => kind === 'ready')) return;
  console.log('the thread: ready');
  const imported = await tried(() => import(require('node:url').pathToFileURL(file).href));
  const required = await tried(async () => require(file));
  console.log('the agent: import ' + imported + ', require ' + required);
  process.exit(0);
});
`;

/** Files are looked at each 20 ms at most; a run that comes sooner may still get the code from before. */
async function untilChecked(): Promise<void> {
  const startMs = performance.now();
  await waitUntil('the next look at the files', () => performance.now() - startMs > 25);
}
