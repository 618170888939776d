import { cp, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import * as esbuild from 'esbuild';

/** The programs of a handler process, built from the source as it is now. */
export interface BuiltPrograms {
  folder: string;
  remove(): Promise<void>;
}

export async function buildPrograms(): Promise<BuiltPrograms> {
  const folder = await mkdtemp(join(tmpdir(), 'interlock-programs-'));
  const handlers = join(import.meta.dirname, '../../../agent/handlers');
  const shared = {
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    outdir: folder,
    mainFields: ['module', 'main'],
    external: ['amaro'],
  } satisfies esbuild.BuildOptions;
  await Promise.all([
    esbuild.build({
      ...shared,
      format: 'cjs',
      entryPoints: {
        handlerHost: join(handlers, 'hostMain.ts'),
        handlerWatchdog: join(handlers, 'watchdogThread.ts'),
      },
    }),
    esbuild.build({
      ...shared,
      format: 'esm',
      entryPoints: { typescriptHooks: join(handlers, 'typescriptHooks.ts') },
      outExtension: { '.js': '.mjs' },
    }),
    cp(
      join(dirname(createRequire(import.meta.url).resolve('amaro')), 'internal.js'),
      join(folder, 'amaro.js'),
    ),
  ]);
  return { folder, remove: () => rm(folder, { recursive: true, force: true }) };
}
