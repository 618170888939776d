// npm run bench: builds the product and the programs of the benchmarks, then measures.
import { spawnSync } from 'node:child_process';
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import * as esbuild from 'esbuild';

process.chdir(fileURLToPath(new URL('../..', import.meta.url)));

/** Two folders deep, so that the programs in dist/ are found from here as from the sources. */
const folder = 'test-results/bench';

function run(...args) {
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

const USAGE = `npm run bench [-- FLAGS]
  --only NAME  measures one part, and writes no file
  --quick      measures roughly, and writes no file
  --no-build   takes dist/ as it is`;

const flags = readFlags();
if (flags['no-build'] !== true) run('esbuild.mjs');

rmSync(folder, { recursive: true, force: true });
const shared = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  outdir: folder,
  logLevel: 'warning',
};
await Promise.all([
  // What is measured is built like the product: bundled and minified, with the same options.
  esbuild.build({
    ...shared,
    ...{ format: 'cjs', minify: true, mainFields: ['module', 'main'] },
    entryPoints: { ourSide: 'test/bench/sides/ourSide.ts' },
    external: ['pg', 'redis', 'bullmq-otel', 'amaro'],
  }),
  // The others run as everybody has them: from node_modules.
  esbuild.build({
    ...shared,
    ...{ format: 'esm', outExtension: { '.js': '.mjs' }, packages: 'external' },
    entryPoints: {
      bench: 'test/bench/bench.ts',
      peerSide: 'test/bench/sides/peerSide.ts',
      feed: 'test/bench/sides/feed.ts',
      poolFeed: 'test/bench/sides/poolFeed.ts',
      handoverFeed: 'test/bench/sides/handoverFeed.ts',
    },
  }),
]);
cpSync('agent/redis/lua', `${folder}/lua`, { recursive: true });
cpSync('test/bench/handlers', `${folder}/handlers`, { recursive: true });

run(`${folder}/bench.mjs`, ...process.argv.slice(2));

function readFlags() {
  const flag = { type: 'boolean' };
  const options = { only: { type: 'string' }, quick: flag, 'no-build': flag, help: flag };
  try {
    const { values } = parseArgs({ options });
    if (values.help !== true) return values;
    console.log(USAGE);
  } catch (error) {
    console.error(`${error.message}\n${USAGE}`);
    process.exitCode = 2;
  }
  process.exit();
}
