import { startProcess } from '../harness/childProcess.ts';

/** What it takes where nothing else runs, on two cores of a server. */
const USUAL_START_MS = 400;
const TRIES = 3;
const MOST = 6;

/**
 * How much slower than usual programs start here and now: at least 1. A lease that ends before an
 * agent on a machine under load can renew it is lost again and again, and nothing ever runs.
 * @param program `agent.js` of a build
 */
export async function machineSlowness(program: string): Promise<number> {
  const times: number[] = [];
  for (let i = 0; i < TRIES; i++) {
    const startedAt = performance.now();
    // It reads its arguments, finds that there is no such role and ends.
    const started = await startProcess(process.execPath, [program, '--role', 'none-of-them']);
    await started.ended;
    times.push(performance.now() - startedAt);
  }
  const median = times.sort((a, b) => a - b)[Math.floor(TRIES / 2)] ?? USUAL_START_MS;
  return Math.min(MOST, Math.max(1, median / USUAL_START_MS));
}
