import { createRunner } from '../handlers/createRunner.ts';
import { leaseTimesOf } from '../jobs/leaseTimes.ts';
import { WorkerPool, type WorkerPoolOptions } from '../jobs/workerPool.ts';
import type { CoreServices, ServiceSetOptions } from './coreServices.ts';

/** The workers of every queue with types of the config. They take jobs from now on. */
export function startWorkers(
  options: ServiceSetOptions,
  core: CoreServices,
  giveToDebugger: WorkerPoolOptions['giveToDebugger'],
): WorkerPool {
  const { config, connections, clock, logger, workspace, holder } = options;
  const { keys, scripts, decisions, enqueuer, history } = core;
  return new WorkerPool({
    ...{ config, workspace, keys, scripts, decisions, enqueuing: enqueuer, clock, logger },
    ...{ agentId: holder.agentId, queues: options.queues, telemetry: options.telemetry },
    giveToDebugger,
    onEnded: (run) => history.ended(run),
    connection: connections.patient('workers'),
    onRunsChange: (count) => options.onRunsChange(count),
    createRunner: (type, jobType, file) => {
      const { concurrency, processes, maxRunsPerProcess, isolation } = type;
      const { silenceMs } = leaseTimesOf([type]);
      const settings = { file, jobType, concurrency, processes, maxRunsPerProcess, silenceMs };
      return createRunner(isolation, settings, logger, clock);
    },
  });
}
