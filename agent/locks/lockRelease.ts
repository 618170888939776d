import * as z from 'zod';
import { InterlockError } from '../common/errors.ts';
import type { DecisionFields, DecisionLog } from '../decisions/decisionLog.ts';
import type { Decision } from '../protocol/decision.ts';
import type { LockRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import { filedUnder } from './filedUnder.ts';
import {
  CHANGED_HANDS,
  judgeRelease,
  type ReleaseRequest,
  type ReleaseVerdict,
} from './releaseRule.ts';
import { readRunLocks, type RunLockSource } from './runLocks.ts';

export interface LockReleaseOptions {
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  decisions: DecisionLog;
  runs: RunLockSource;
}

/** Frees locks: each script checks that it is still the holding that was judged. */
export class LockRelease {
  constructor(private readonly options: LockReleaseOptions) {}

  /** @returns the decision, recorded: released, or refused with what there is to do instead */
  async release(seen: LockRow, request: ReleaseRequest): Promise<Decision> {
    if (seen.kind === 'run' || seen.kind === 'job') return this.releaseRun(seen, request);
    return this.decide(seen, request, () => this.free(seen));
  }

  /** Its token is read before the row that is judged: a later run has another one. */
  private async releaseRun(seen: LockRow, request: ReleaseRequest): Promise<Decision> {
    const { redis, keys, runs, scripts } = this.options;
    const { queue, id, type } = jobOf(seen);
    const lockKey = keys.jobLock(queue, id);
    const token = await redis.get(lockKey);
    const [row] = await readRunLocks(runs, [{ queue, id }]);
    if (token === null || row === undefined) throw lockNotFound(seen.name);
    return this.decide(row, request, async () => {
      const ours = row.kind === 'run' ? type : '';
      return isDone(await scripts.run('revokeRun', [lockKey, keys.runFences], [token, ours]));
    });
  }

  private async decide(
    row: LockRow,
    request: ReleaseRequest,
    free: () => Promise<boolean>,
  ): Promise<Decision> {
    const verdict = judgeRelease(row, request);
    const final = verdict.allowed && !(await free()) ? CHANGED_HANDS : verdict;
    return this.options.decisions.record(decisionOf(row, final));
  }

  /** @returns false when it is not what it was any more */
  private async free(row: LockRow): Promise<boolean> {
    const { redis, scripts, keys } = this.options;
    if (row.kind === 'watched') return (await redis.del(row.subject)) === 1;
    if (row.kind === 'dedup') {
      const { queue, id } = jobOf(row);
      const key = keys.deduplication(queue, row.name.slice(`dedup:${queue}/`.length));
      const onlyEnded = row.state === 'orphaned' ? '1' : '';
      return isDone(
        await scripts.run('releaseUniqueKey', [key, keys.job(queue, id)], [id, onlyEnded]),
      );
    }
    return isDone(
      await scripts.run(
        'revokeLease',
        [keys.lease(row.name), keys.fences, keys.leaseIndex, keys.releases],
        [row.name, row.fence ?? ''],
      ),
    );
  }
}

/** @returns the error for a name that no lock has */
export function lockNotFound(name: string): InterlockError {
  return new InterlockError({
    code: 'not_found',
    message: `There is no lock "${name}".`,
    remedy: 'It may have ended just now; "interlock locks" lists what is there.',
    details: { name },
  });
}

/** Filed under what the lock protects, so that its other decisions stand beside it. */
function decisionOf(row: LockRow, verdict: ReleaseVerdict): DecisionFields {
  const { job, holder } = row;
  return {
    ...{ action: 'release', ...filedUnder(row) },
    ...{ outcome: verdict.allowed ? 'accepted' : 'refused', reason: verdict.reason },
    jobId: job?.id ?? null,
    survivor: null,
    ...{ holder, until: null, remedy: verdict.remedy },
  };
}

function jobOf(row: LockRow): { queue: string; id: string; type: string } {
  if (row.job !== null) return row.job;
  throw new InterlockError({ code: 'internal', message: `The lock ${row.name} names no job.` });
}

function isDone(answer: unknown): boolean {
  return z.number().parse(answer) > 0;
}
