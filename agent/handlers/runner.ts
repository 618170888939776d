import type { JsonValue } from '../common/json.ts';
import type { Decision } from '../protocol/decision.ts';

/** What a handler is given to run. */
export interface RunRequest {
  jobId: string;
  queue: string;
  type: string;
  data: unknown;
  /** 1 for the first try. */
  attempt: number;
  /** Grows with every start of this job: an effect with a lower one comes from an older run. */
  fence: number;
  isReplay: boolean;
  enqueuedAtMs: number;
}

/** What a run tells while it goes on. A hook that rejects is logged and does not fail the run. */
export interface RunHooks {
  log(line: string): Promise<void>;
  progress(value: JsonValue): Promise<void>;
  enqueue(type: string, data: JsonValue): Promise<Decision>;
  /** Aborts when the lease is lost or the agent wants the run to end. Reaches `ctx.signal`. */
  signal: AbortSignal;
}

/** Runs the handler of one job type, in whatever isolation it is configured for. */
export interface HandlerRunner {
  /**
   * @returns the handler's result, JSON
   * @throws InterlockError `handler_load_failed`, `handler_failed`, `handler_died`,
   *   `handler_result_invalid`: each message names the file and the cause; `agent_stopping` for a
   *   run that `close` cut, or that came after it
   */
  run(request: RunRequest, hooks: RunHooks): Promise<JsonValue>;
  /** Ends idle processes at once and busy ones after `deadlineMs` at the latest. */
  close(deadlineMs: number): Promise<void>;
  /** Process ids that are alive, for status and for tests. Empty for inline. */
  processIds(): number[];
}

export interface RunnerOptions {
  /** Absolute path. */
  file: string;
  jobType: string;
  /** Runs at one time over all processes. */
  concurrency: number;
  processes: number;
  maxRunsPerProcess: number;
  /** A handler process that heard nothing from its agent for that long ends itself. */
  silenceMs: number;
}
