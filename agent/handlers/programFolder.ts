import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { InterlockError } from '../common/errors.ts';

/**
 * Where the programs that run handlers lie: beside this bundle, and for code that runs from its
 * source in the folder of the last build.
 * @throws InterlockError `internal` when they are not built
 */
export function findProgramFolder(): string {
  const folders = [__dirname, join(__dirname, '..', '..', 'dist')];
  const found = folders.find((folder) => existsSync(join(folder, 'handlerHost.js')));
  if (found !== undefined) return found;
  throw new InterlockError({
    code: 'internal',
    message: `The programs that run handlers are missing in ${__dirname}`,
    remedy: 'Run `npm run build`, or install Interlock again.',
  });
}
