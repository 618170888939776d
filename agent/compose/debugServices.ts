import { DebugOffers } from '../debugging/debugOffers.ts';
import { DebugService } from '../debugging/debugService.ts';
import { findProgramFolder } from '../handlers/programFolder.ts';
import { JobClaim } from '../jobs/jobClaim.ts';
import type { WorkerPool } from '../jobs/workerPool.ts';
import type { CoreServices, ServiceSetOptions } from './coreServices.ts';

/** Runs under a debugger, for an agent that runs jobs. */
export function debugService(
  { config, workspace, holder, clock, logger }: ServiceSetOptions,
  core: CoreServices,
  workers: () => WorkerPool | undefined,
): DebugService {
  const { redis, scripts, keys, reader, enqueuer, debugs, registry, store } = core;
  return new DebugService({
    ...{ config, workspace, reader, clock, logger, workers, board: debugs },
    programFolder: findProgramFolder(),
    enqueuing: enqueuer,
    claim: new JobClaim(scripts, keys, redis),
    offers: new DebugOffers(redis, keys, clock, holder.agentId),
    onChange: (rows) => {
      store.replace('debugs', new Map(debugs.rows().map((row) => [row.id, row])));
      void registry.announce({ debugs: rows });
    },
  });
}
