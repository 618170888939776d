import type { JsonText, JsonValue } from '../common/json.ts';
import type { Decision } from '../protocol/decision.ts';

export interface EnqueueRequest {
  type: string;
  /** As JSON where it is there already: it is not written anew. */
  data: JsonValue | JsonText;
  /** Left out: a new one. A job id makes enqueueing idempotent: the same id is added once. */
  jobId?: string;
  /** As BullMQ counts: 1 is the highest, and none comes before all numbers. */
  priority?: number | undefined;
  /** Milliseconds until it is due. */
  delayMs?: number | undefined;
  /** `queue/id` of an older job that this one runs again: its handler is told. */
  replayOf?: string | undefined;
  /**
   * Enqueued only while this lease is held with this fence: checked in the script that enqueues.
   * `progress` is kept in the same step, in a hash of that key: by it the next holder knows how far
   * this one came. With it a job id is accepted once, also after its job is gone.
   */
  lease?: {
    name: string;
    fence: number;
    progress?: { key: string; fields: ReadonlyMap<string, number> };
  };
  /** What asked for it, for the decision. */
  action?: Decision['action'];
  /**
   * `refusals`: do not record when it is accepted. For what comes many times a second and would push
   * everything else out of the record. Default `all`.
   */
  record?: 'all' | 'refusals';
}

/** The one door through which jobs come in: every answer is a decision, every refusal is recorded. */
export interface Enqueuing {
  /**
   * @throws InterlockError `not_found` for an unknown type, `payload_invalid`, `redis_unreachable`
   */
  enqueue(request: EnqueueRequest): Promise<Decision>;
}
