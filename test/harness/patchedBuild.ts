import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import * as path from 'node:path';

export interface BuildPatch {
  /** Names of the files of the build that hold it: each of them must. */
  files: RegExp;
  /** A pattern is global. */
  find: string | RegExp;
  replace: string;
}

/**
 * Copies a build, so that others may build anew meanwhile, and alters the copy.
 * @throws Error when what is to be replaced is not there: then the copy would show nothing
 */
export function copyPatched(dist: string, to: string, patches: readonly BuildPatch[]): void {
  cpSync(dist, to, { recursive: true });
  for (const patch of patches) apply(patch, to);
}

function apply({ files, find, replace }: BuildPatch, folder: string): void {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    files.test(path.basename(file)),
  );
  if (names.length === 0) throw new Error(`Nothing to patch: the build has no ${files}.`);
  for (const name of names) {
    const file = path.join(folder, name);
    const text = readFileSync(file, 'utf8');
    const patched = text.replaceAll(find, replace);
    if (patched === text) throw new Error(`Nothing to patch: ${find} is not in ${name}.`);
    writeFileSync(file, patched);
  }
}
