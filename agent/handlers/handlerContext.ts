import type { JsonValue } from '../common/json.ts';
import type { Decision } from '../protocol/decision.ts';

/** What a handler is called with first: one job, as it was enqueued. */
export interface HandlerJob<Data = unknown> {
  id: string;
  type: string;
  queue: string;
  data: Data;
  /** 1 for the first try. */
  attempt: number;
  enqueuedAt: Date;
}

/** What a handler is called with second: what it may ask and tell while it runs. */
export interface HandlerContext {
  /** Aborts when the lease of the run is lost, or when the agent wants the run to end. */
  readonly signal: AbortSignal;
  /** Grows with every start of this job. Give it to what you write to, and let that refuse lower ones. */
  readonly fence: number;
  /** True when a person runs an old job again: leave out what must not happen twice. */
  readonly isReplay: boolean;
  /** Adds a line to the log of the job, formatted like `console.log`. */
  log(...values: unknown[]): Promise<void>;
  /** @throws TypeError when the value is not JSON */
  progress(value: JsonValue): Promise<void>;
  /**
   * Asks the agent for a job of a declared type.
   * @returns what was decided; a refusal is a decision as well
   * @throws TypeError when the data are not JSON; Error when the agent could not decide, or refuses
   *   by a rule with `"onConflict": "fail"`: the message names the job that survives
   */
  enqueue(type: string, data: JsonValue): Promise<Decision>;
}

/** The default export of a handler file. Its result must be JSON; nothing becomes `null`. */
export type Handler = (job: HandlerJob, context: HandlerContext) => unknown;
