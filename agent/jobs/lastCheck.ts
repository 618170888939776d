import type { Job } from 'bullmq';
import * as z from 'zod';
import type { JsonValue } from '../common/json.ts';
import { MAX_DECISIONS, type DecisionLog } from '../decisions/decisionLog.ts';
import type { Decision } from '../protocol/decision.ts';
import type { Keys } from '../redis/keys.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { TypeRules } from './typeRules.ts';
import { uniqueKeyFrom, uniqueKeyOf, uniqueKeyOfId, type UniqueKey } from './uniqueKey.ts';

const answerSchema = z.union([
  z.tuple([z.literal('run'), z.string()]).rest(z.string()),
  z.tuple([z.literal('skip'), z.string(), z.string()]),
  z.tuple([z.literal('lost')]),
]);

export type CheckedRun =
  { go: true; fence: number; field: string } | { go: false; decision: Decision | null };

/** What the handler module's `unique` says of a payload; null: this job is not unique. */
export type CustomKey = (type: string, data: JsonValue) => Promise<JsonValue>;

/** The key a job has under the rules of its type; null for none. */
export async function keyOfJob(
  job: Job,
  { unique }: TypeRules,
  customKey: CustomKey,
): Promise<UniqueKey | null> {
  if (unique === null) return null;
  const id = job.deduplicationId;
  const key = id === undefined ? null : uniqueKeyOfId(job.name, id);
  if (key !== null) return key;
  // It came in past the rule, or under one that keeps no key in the queue.
  if (unique.by !== 'function') return uniqueKeyOf(job.name, unique.by, job.data);
  const data = z.json().safeParse(job.data);
  const value = data.success ? await customKey(job.name, data.data) : null;
  return value === null ? null : uniqueKeyFrom(job.name, [value]);
}

/**
 * The last check right before a run, under the lock of its job: whether the rules let it run, and
 * its fencing token. One round trip.
 */
export class LastCheck {
  constructor(
    private readonly scripts: Scripts,
    private readonly keys: Keys,
    private readonly decisions: DecisionLog,
    private readonly prefixOf: (queue: string) => string,
  ) {}

  /** @param token what the job is locked with. `decision: null`: the lock is another's by now */
  async check(
    job: Job,
    token: string,
    rules: TypeRules,
    key: UniqueKey | null,
  ): Promise<CheckedRun> {
    const { keys } = this;
    const jobId = job.id ?? '';
    const answer = answerSchema.parse(
      await this.scripts.run(
        'beginRun',
        [
          ...[keys.running(job.name), keys.runFences, keys.admitted(job.name)],
          ...[keys.decisions, keys.agents, keys.jobLock(job.queueName, jobId)],
        ],
        [
          ...[job.name, key?.valuesId ?? '', jobId, token],
          ...[key === null ? '' : (rules.unique?.while ?? ''), rules.maxConcurrent],
          ...[rules.lastCheck ? '1' : '', rules.removesWaiting ? '1' : '', key?.label ?? ''],
          ...[MAX_DECISIONS, this.prefixOf(job.queueName)],
          'Nothing is to be done: the one that runs does the work.',
        ],
      ),
    );
    if (answer[0] === 'lost') return { go: false, decision: null };
    if (answer[0] === 'run') {
      const [, fence, ...removed] = answer;
      for (let at = 0; at < removed.length; at += 2)
        this.told(job, key, removed[at], removed[at + 1]);
      return { go: true, fence: Number(fence), field: key?.valuesId ?? jobId };
    }
    const [, entryId, json] = answer;
    return { go: false, decision: this.told(job, key, entryId, json) };
  }

  /** What the script decided and recorded, for the log as well. */
  private told(job: Job, key: UniqueKey | null, entryId = '', json = ''): Decision {
    return this.decisions.fromScript(['decided', entryId, json], {
      ...{ action: 'execute', subject: job.name, key: key?.label ?? null, jobId: job.id ?? '' },
    });
  }
}
