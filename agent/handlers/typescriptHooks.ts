// Runs in a thread of its own: Node before 22.15 loads ES modules through hooks of that kind.
import type { LoadHook, ResolveHook } from 'node:module';
import { fileURLToPath } from 'node:url';
import { MessagePort } from 'node:worker_threads';
import * as z from 'zod';
import { LoadedFiles } from './loadedFiles.ts';
import { isTypeScript } from './moduleFormat.ts';
import { fallbackUrl } from './typescriptResolver.ts';
import { TypeScriptSource } from './typescriptSource.ts';

const hookData = z.object({
  programFolder: z.string(),
  port: z.instanceof(MessagePort),
  withMaps: z.boolean(),
});

/** What `initialize` leaves for the hooks: Node calls them as plain functions. */
const installed: { source?: TypeScriptSource; files?: LoadedFiles } = {};

/** @param data where our bundle lies, and the port that takes the stamp of each loaded file */
export function initialize(data: unknown): void {
  const { programFolder, port, withMaps } = hookData.parse(data);
  installed.source = new TypeScriptSource(programFolder, withMaps);
  installed.files = new LoadedFiles(programFolder, (stamp) => port.postMessage(stamp));
}

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  try {
    return await nextResolve(specifier, context);
  } catch (error) {
    const url = fallbackUrl(specifier, context.parentURL, error);
    if (url === undefined) throw error;
    return nextResolve(url, context);
  }
};

export const load: LoadHook = (url, context, nextLoad) => {
  if (!url.startsWith('file:')) return nextLoad(url, context);
  const path = fileURLToPath(url);
  installed.files?.note(path);
  if (!isTypeScript(path)) return nextLoad(url, context);
  const module = installed.source?.readModule(path);
  // Without a source, Node gives the file to the CommonJS loader, which has its own hook.
  if (module === undefined) return { format: 'commonjs', shortCircuit: true };
  return { format: 'module', source: module.code, shortCircuit: true };
};
