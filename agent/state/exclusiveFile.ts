import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { sleep, type Clock } from '../common/clock.ts';
import { InterlockError } from '../common/errors.ts';
import { isSameProcessAlive, processStartOf } from './processIdentity.ts';

const POLL_INTERVAL_MS = 50;

/**
 * Runs `work` while this process alone has the file: among processes that start the same thing at
 * the same moment, one does it. A file whose process is gone does not count.
 * @throws InterlockError `timeout` when another process keeps it longer than `deadlineMs`
 */
export async function withExclusiveFile<T>(
  file: string,
  clock: Clock,
  deadlineMs: number,
  work: () => Promise<T>,
): Promise<T> {
  const deadline = clock.monotonic() + deadlineMs;
  while (!tryTake(file)) {
    removeIfAbandoned(file);
    if (clock.monotonic() > deadline) {
      throw new InterlockError({
        code: 'timeout',
        message: `Another process has held ${file} for more than ${deadlineMs} ms.`,
        remedy: 'Remove the file if no Interlock process runs.',
      });
    }
    await sleep(clock, POLL_INTERVAL_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function tryTake(file: string): boolean {
  try {
    writeFileSync(file, `${process.pid} ${processStartOf(process.pid) ?? ''}`, {
      flag: 'wx',
      mode: 0o600,
    });
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    // The folder is missing or not ours: waiting would not help.
    throw error;
  }
}

/**
 * Of several processes that see an abandoned file one removes it, and only while it is still that
 * very file: a slower one would take away what a faster one has just made.
 */
function removeIfAbandoned(file: string): void {
  const found = readText(file);
  if (!isAbandoned(found)) return;
  const removing = `${file}.removing`;
  if (!tryTake(removing)) {
    removeIfAbandoned(removing);
    return;
  }
  if (readText(file) === found) rmSync(file, { force: true });
  rmSync(removing, { force: true });
}

function isAbandoned(text: string): boolean {
  const [pid = '', start = ''] = text.split(' ');
  // Empty: it is gone already, or its process is just writing it.
  if (pid === '') return false;
  return !isSameProcessAlive(Number(pid), start === '' ? null : start);
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
