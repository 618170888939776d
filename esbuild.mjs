// Builds dist/: the extension, the agent, the CLI, and the small programs that the agent starts.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import * as esbuild from 'esbuild';

const require = createRequire(import.meta.url);
const watch = process.argv.includes('--watch');
const production = process.argv.includes('--production') || !watch;

/** The problem matcher of the watch task waits for these two lines. */
const reportBuilds = {
  name: 'report-builds',
  setup(build) {
    if (!watch) return;
    build.onStart(() => console.log('[watch] build started'));
    build.onEnd(() => console.log('[watch] build finished'));
  },
};

/**
 * zod refers to its makers of JSON Schemas from every schema, so no bundler leaves them out. The one
 * schema we need is written at build time: programs get makers that make nothing, 18 kB smaller.
 */
const withoutJsonSchemas = {
  name: 'without-json-schemas',
  setup(build) {
    const makers = /[\\/]zod[\\/]v4[\\/]core[\\/](to-json-schema|json-schema-processors)\.js$/;
    build.onLoad({ filter: makers }, ({ path }) => {
      const exported = /^export (?:const|function) (\w+)|^export \{ \w+ as (\w+) \}/gm;
      const names = [...readFileSync(path, 'utf8').matchAll(exported)].map((m) => m[1] ?? m[2]);
      const none = 'const none = () => () => { throw new Error("made at build time only"); };';
      return { contents: `${none} export { ${names.map((name) => `none as ${name}`).join()} };` };
    });
  },
};

/**
 * The extension is loaded while a window opens, so it is kept small: vscode-jsonrpc names each of its
 * exports three times, and zod's sentences about bad input are written for people, who see none here:
 * the extension parses what the agent sends.
 */
const smallLibraries = {
  name: 'small-libraries',
  setup(build) {
    build.onLoad({ filter: /vscode-jsonrpc[\\/]lib[\\/]common[\\/]api\.js$/ }, ({ path }) => {
      const parts = /^const (\w+)_1 = require\("(\.\/\w+)"\)/gm;
      const files = [...readFileSync(path, 'utf8').matchAll(parts)]
        .map(([, , file]) => file)
        .filter((file) => file !== './sharedArrayCancellation');
      const all = files.map((file) => `require("${file}")`).join();
      return {
        contents: `Object.assign(exports, ${all}); exports.RAL = require("./ral").default;`,
      };
    });
    build.onLoad({ filter: /zod[\\/]v4[\\/]locales[\\/]en\.js$/ }, () => ({
      contents:
        'export default () => ({ localeError: ({ code, expected = "" }) => `${code} ${expected}`.trim() });',
    }));
  },
};

const shared = {
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20.19',
  outdir: 'dist',
  minify: production,
  sourcemap: watch,
  sourcesContent: false,
  metafile: true,
  logLevel: 'warning',
  plugins: [reportBuilds, withoutJsonSchemas],
  // Prefer ES modules, so that unused code of libraries is left out.
  mainFields: ['module', 'main'],
};

const extension = {
  ...shared,
  entryPoints: { extension: 'src/extension.ts' },
  plugins: [...shared.plugins, smallLibraries],
  external: ['vscode'],
  // Strict as a whole, and not file by file: 1 kB smaller. All of its libraries are written for it.
  banner: { js: '"use strict";' },
  tsconfigRaw: {},
};

const programs = {
  ...shared,
  entryPoints: {
    agent: 'agent/main.ts',
    cli: 'agent/cli/main.ts',
    handlerHost: 'agent/handlers/hostMain.ts',
    handlerWatchdog: 'agent/handlers/watchdogThread.ts',
    redisKeeper: 'agent/redis/keeperProcess.ts',
    racer: 'agent/simulate/racerProcess.ts',
    storyActor: 'agent/storyActor.ts',
    storyHandler: 'agent/simulate/stories/storyHandler.ts',
  },
  // amaro carries 3.5 MB of WebAssembly: only handler processes load it, from its own file.
  external: ['pg', 'redis', 'bullmq-otel', 'amaro'],
};

/** Node loads module hooks in a thread of their own, so they are a file of their own. */
const hooks = {
  ...shared,
  entryPoints: { typescriptHooks: 'agent/handlers/typescriptHooks.ts' },
  format: 'esm',
  outExtension: { '.js': '.mjs' },
  external: ['amaro'],
};

async function copyFiles() {
  mkdirSync('dist', { recursive: true });
  cpSync('agent/redis/lua', 'dist/lua', { recursive: true });
  // The package's entry only re-exports this file, which is complete.
  cpSync(join(dirname(require.resolve('amaro')), 'internal.js'), 'dist/amaro.js');
  await writeConfigSchema();
}

/** The editor completes and checks interlock.config.json with the very schema the agent uses. */
async function writeConfigSchema() {
  const built = await esbuild.build({
    ...shared,
    entryPoints: ['agent/config/jsonSchema.ts'],
    outdir: undefined,
    write: false,
    minify: false,
    plugins: [],
  });
  const module = { exports: {} };
  new Function('module', 'exports', 'require', built.outputFiles[0].text)(
    module,
    module.exports,
    require,
  );
  writeFileSync(
    'dist/interlock.config.schema.json',
    JSON.stringify(module.exports.configJsonSchema(), null, 2),
  );
}

await copyFiles();
if (watch) {
  for (const options of [extension, programs, hooks])
    await (await esbuild.context(options)).watch();
} else {
  const results = await Promise.all(
    [extension, programs, hooks].map((options) => esbuild.build(options)),
  );
  for (const { metafile } of results) {
    for (const [file, { bytes }] of Object.entries(metafile.outputs)) {
      console.log(`${file} ${Math.ceil(bytes / 1024)} kB`);
    }
  }
}
