import type { Clock } from '../common/clock.ts';
import type { Logger } from '../logging.ts';
import { InlineRunner } from './inlineRunner.ts';
import { IsolatedRunner } from './isolatedRunner.ts';
import { findProgramFolder } from './programFolder.ts';
import type { HandlerRunner, RunnerOptions } from './runner.ts';

export type Isolation = 'process' | 'thread' | 'inline';

/**
 * The runner of one job type. No process and no thread is started before the first run.
 * @throws InterlockError `internal` when the programs are not built
 */
export function createRunner(
  isolation: Isolation,
  options: RunnerOptions,
  logger: Logger,
  clock: Clock,
): HandlerRunner {
  const folder = findProgramFolder();
  return isolation === 'inline'
    ? new InlineRunner(options, folder, logger, clock)
    : new IsolatedRunner(isolation, options, folder, logger, clock);
}
