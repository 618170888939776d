import { pathToFileURL } from 'node:url';
import { findProgramFolder } from './programFolder.ts';
import { registerTypescriptOnce } from './registerTypescript.ts';

/** Imports a file of the user's, TypeScript or not, into this process. Loaded once, then kept. */
export async function loadModule(file: string): Promise<unknown> {
  registerTypescriptOnce(findProgramFolder());
  const module: unknown = await import(pathToFileURL(file).href);
  return module;
}
