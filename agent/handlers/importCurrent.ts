import { realpathSync } from 'node:fs';
import nodeModule from 'node:module';
import { pathToFileURL } from 'node:url';
import { stampOf } from './loadedFiles.ts';
import { registerTypescriptOnce } from './registerTypescript.ts';

/**
 * Imports a user's file into this very process, TypeScript or not, as it is now: an edit of the file
 * gives a new module, an edit of what it imports does not. Each version stays in memory.
 * @param file absolute path
 * @returns the module's namespace
 */
export async function importCurrent(file: string, programFolder: string): Promise<unknown> {
  registerTypescriptOnce(programFolder);
  forgetCommonJs(file);
  const stamp = stampOf(file);
  const url = pathToFileURL(file);
  url.searchParams.set('version', stamp === undefined ? '0' : `${stamp.mtimeMs}-${stamp.size}`);
  const module: unknown = await import(url.href);
  return module;
}

/** A CommonJS module is kept by its path, whatever the import that asked for it is called. */
function forgetCommonJs(file: string): void {
  const { cache } = nodeModule.createRequire(file);
  try {
    Reflect.deleteProperty(cache, realpathSync(file));
  } catch {
    // There is no such file: the import says so.
  }
}
