import type { Clock } from '../common/clock.ts';
import { InterlockError } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import { InlineRunner } from './inlineRunner.ts';
import { ProcessRunner } from './processRunner.ts';
import { findProgramFolder } from './programFolder.ts';
import type { HandlerRunner, RunnerOptions } from './runner.ts';

export type Isolation = 'process' | 'thread' | 'inline';

/**
 * The runner of one job type. No process is started before the first run.
 * @throws InterlockError `not_supported_yet` for threads, `internal` when the programs are not built
 */
export function createRunner(
  isolation: Isolation,
  options: RunnerOptions,
  logger: Logger,
  clock: Clock,
): HandlerRunner {
  switch (isolation) {
    case 'process':
      return new ProcessRunner(options, findProgramFolder(), logger, clock);
    case 'inline':
      return new InlineRunner(options, findProgramFolder(), logger, clock);
    case 'thread':
      throw new InterlockError({
        code: 'not_supported_yet',
        message: `The job type ${options.jobType} asks for the isolation "thread", which is not supported yet`,
        remedy: 'Use "process" or "inline".',
      });
  }
}
