import { join } from 'node:path';
import { Worker } from 'node:worker_threads';

/** The agent's end of this pipe is the fifth entry of `stdio`. */
export const LIFELINE_FD = 4;

/**
 * Starts the thread that ends this process when its agent is gone or silent.
 * @param programFolder where `handlerWatchdog.js` lies
 */
export function startWatchdog(programFolder: string, silenceMs: number): void {
  new Worker(join(programFolder, 'handlerWatchdog.js'), {
    name: 'interlock-watchdog',
    workerData: { fd: LIFELINE_FD, silenceMs },
    execArgv: [],
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 4 },
  });
}
