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
  asks: 'run' | 'key';
}

/** A request for the uniqueness key of a payload: no job is behind it. */
export function keyRequest(type: string, data: JsonValue): RunRequest {
  return {
    ...{ jobId: '', queue: '', type, data, attempt: 1, fence: 0, isReplay: false },
    ...{ enqueuedAtMs: 0, asks: 'key' },
  };
}

/** A key is made of the payload alone: nothing is told, and nothing asked for. */
export function keyHooks(): RunHooks {
  return {
    log: () => Promise.resolve(),
    progress: () => Promise.resolve(),
    enqueue: () => Promise.reject(new Error('a uniqueness key can not be made by enqueueing')),
    signal: new AbortController().signal,
  };
}

/** What a run tells while it goes on. A hook that rejects is logged and does not fail the run. */
export interface RunHooks {
  log(line: string): Promise<void>;
  progress(value: JsonValue): Promise<void>;
  enqueue(type: string, data: JsonValue): Promise<Decision>;
  /** Aborts when the lease is lost or the agent wants the run to end. Reaches `ctx.signal`. */
  signal: AbortSignal;
  /**
   * Aborts when a run whose lease is lost has had its time to end: its process or thread is ended.
   * Other runs in it fail with `lease_lost`, their leases as they were.
   */
  cut?: AbortSignal;
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
  /**
   * What the `unique` function of the handler's module says of a payload.
   * @throws InterlockError as `run` does, and `handler_load_failed` when there is no such function
   */
  keyOf(data: JsonValue): Promise<JsonValue>;
  /** Starts a process or thread ahead, when there is none. */
  warmUp(): void;
  /** Ends idle processes and threads at once and busy ones after `deadlineMs` at the latest. */
  close(deadlineMs: number): Promise<void>;
  /** Process ids that are alive, for status and for tests. Empty for threads and inline. */
  processIds(): number[];
}

export interface RunnerOptions {
  /** Absolute path. */
  file: string;
  jobType: string;
  /** Runs at one time over all processes or threads. */
  concurrency: number;
  /** Or threads. */
  processes: number;
  maxRunsPerProcess: number;
  /** A handler process that heard nothing from its agent for that long ends itself. */
  silenceMs: number;
}
