import type { WorkerPool } from '../jobs/workerPool.ts';
import { endedRunOf } from '../reaper/lostRun.ts';
import { Recovery } from '../reaper/recovery.ts';
import type { CoreServices, ServiceSetOptions } from './coreServices.ts';

/** What looks after the dead, for every agent that could hold something itself. */
export function recovery(
  options: ServiceSetOptions,
  core: CoreServices,
  workers: () => WorkerPool | undefined,
  onDead: () => void,
): Recovery {
  const { config, clock, logger, holder } = options;
  const { redis, scripts, keys, registry, leases, decisions, queues, history, clients } = core;
  return new Recovery({
    ...{ config, redis, scripts, keys, clock, logger, holder, registry, leases, decisions },
    clients,
    queueNames: () => queues.names(),
    runsHere: (queue, jobId) => workers()?.runsHere(queue, jobId) === true,
    warmUp: (type) => workers()?.warmUp(type),
    onLost: (run) => history.ended(endedRunOf(run, clock.now())),
    onDead,
    onAgents: (entries) => core.debugs.update(entries),
  });
}
