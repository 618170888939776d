import { statSync } from 'node:fs';
import { sep } from 'node:path';
import type { FileStamp } from './hostProtocol.ts';

const IN_NODE_MODULES = /[\\/]node_modules[\\/]/;

/** The file as it is now; undefined when there is none. */
export function stampOf(path: string): FileStamp | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats === undefined ? undefined : { path, mtimeMs: stats.mtimeMs, size: stats.size };
}

export function hasChanged(stamp: FileStamp): boolean {
  const now = stampOf(stamp.path);
  return now?.mtimeMs !== stamp.mtimeMs || now.size !== stamp.size;
}

/**
 * Tells each file of the user's own code once, as it was just before it was read. Installed
 * packages are left out; those of a workspace are not, as Node resolves links to their real place.
 */
export class LoadedFiles {
  readonly #seen = new Set<string>();
  readonly #ownFolder: string;
  readonly #onFile: (stamp: FileStamp) => void;

  /** @param ownFolder files of our own program are of no interest */
  constructor(ownFolder: string, onFile: (stamp: FileStamp) => void) {
    this.#ownFolder = ownFolder + sep;
    this.#onFile = onFile;
  }

  note(path: string): void {
    if (this.#seen.has(path)) return;
    this.#seen.add(path);
    if (IN_NODE_MODULES.test(path) || path.startsWith(this.#ownFolder)) return;
    const stamp = stampOf(path);
    if (stamp !== undefined) this.#onFile(stamp);
  }
}
