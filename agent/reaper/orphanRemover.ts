import { assertNever } from '../common/assertNever.ts';
import type { RedisLeases } from '../leases/redisLeases.ts';
import type { Keys } from '../redis/keys.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { Removal } from './findOrphans.ts';
import type { JobTakeover } from './jobTakeover.ts';

export interface OrphanRemoverOptions {
  scripts: Scripts;
  keys: Keys;
  leases: Pick<RedisLeases, 'removeDead'>;
  takeover: Pick<JobTakeover, 'take'>;
  queueNames: () => string[];
}

/** Removes orphans. Each script proves once more that it is one: what came to life meanwhile stays. */
export class OrphanRemover {
  constructor(private readonly options: OrphanRemoverOptions) {}

  /** @returns false when it is no orphan any more */
  remove(removal: Removal): Promise<boolean> {
    const { scripts, keys, leases, takeover, queueNames } = this.options;
    const run = async (...call: Parameters<Scripts['run']>) => (await scripts.run(...call)) === 1;
    switch (removal.how) {
      case 'lease':
        return leases.removeDead(removal.lease);
      case 'job':
        return takeover.take(removal.takeover);
      case 'dedup': {
        const { key, queue, jobId } = removal.fact;
        return run('removeOrphanDedup', [key, keys.job(queue, jobId)], [jobId]);
      }
      case 'admission': {
        const { type, jobId } = removal.fact;
        const jobs = queueNames().map((queue) => keys.job(queue, jobId));
        return run('removeOrphanAdmission', [keys.admitted(type), ...jobs], [jobId]);
      }
      case 'run': {
        const { type, field, value, jobId } = removal.fact;
        const locks = queueNames().map((queue) => keys.jobLock(queue, jobId));
        return run('removeOrphanRun', [keys.running(type), ...locks], [field, value]);
      }
      case 'agent': {
        const { agentId, text } = removal.fact.entry;
        return run('removeDeadAgent', [keys.agents], [agentId, text]);
      }
      default:
        return assertNever(removal);
    }
  }
}
