import { InterlockError } from '../common/errors.ts';
import { outsideWorkerText } from '../jobs/outsideWorkerText.ts';
import type { JobRow } from '../protocol/model.ts';

/** Why a job that runs now can not be debugged, and what can be done where it runs. */
export function runsAlready({ id, queue, outside }: JobRow): InterlockError {
  if (outside === undefined) {
    return new InterlockError({
      code: 'conflict',
      message: `Job ${id} runs already: a debugger can only be there from the beginning.`,
      remedy: 'Debug the next run of its type, or this one as a replay when it has ended.',
    });
  }
  const { worker, address } = outside;
  return new InterlockError({
    code: 'runs_outside',
    message: `Job ${id} runs in ${outsideWorkerText(worker, address)}, in a process that Interlock did not start.`,
    remedy:
      'Start that process with --inspect and attach to it, with "lockDuration" of its Worker raised above the longest pause, such as 1800000. Or wait until the job has ended and replay it with Debug Job: its type has to be in interlock.config.json.',
    details: { id, queue, worker, address },
  });
}
