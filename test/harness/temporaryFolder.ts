import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import * as path from 'node:path';

/** Begins the name of every folder and so marks every process of a test run. */
export const TEST_FOLDER_PREFIX = 'ilk-';

export interface TemporaryFolder {
  readonly path: string;
  remove(): void;
}

/** A folder of a test's own. Its path is short, because unix sockets lie in it. */
export function makeTemporaryFolder(): TemporaryFolder {
  const folder = realpathSync(mkdtempSync(path.join(tmpdir(), TEST_FOLDER_PREFIX)));
  return {
    path: folder,
    remove: () => rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }),
  };
}
