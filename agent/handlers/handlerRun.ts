import { setMaxListeners } from 'node:events';
import { deferred, type Deferred } from '../common/deferred.ts';
import { messageOf, toInterlockError, type InterlockError } from '../common/errors.ts';
import type { JsonValue } from '../common/json.ts';
import type { Logger } from '../logging.ts';
import { handlerFailed, resultInvalid } from './handlerErrors.ts';
import type { HostMessage, RunCommand } from './hostProtocol.ts';
import type { RunHooks, RunRequest } from './runner.ts';

/** What a handler process says about one run. */
export type RunReport = Extract<HostMessage, { run: number }>;

/** One run from the agent's side: from the request to its one outcome. */
export class HandlerRun {
  readonly id: number;
  readonly #file: string;
  readonly #request: RunRequest;
  readonly #hooks: RunHooks;
  readonly #logger: Logger;
  readonly #outcome: Deferred<JsonValue> = deferred();
  /** Calls of hooks that have not ended: the run's own outcome waits for them. */
  readonly #pending = new Set<Promise<void>>();
  #nextProgress: { value: JsonValue } | undefined;
  #isTellingProgress = false;
  #send: ((message: RunCommand) => void) | undefined;

  constructor(id: number, file: string, request: RunRequest, hooks: RunHooks, logger: Logger) {
    this.id = id;
    this.#file = file;
    this.#request = request;
    this.#hooks = hooks;
    this.#logger = logger;
  }

  get outcome(): Promise<JsonValue> {
    return this.#outcome.promise;
  }

  /**
   * Hands the run to a process.
   * @returns settles when the run has its outcome
   */
  begin(send: (message: RunCommand) => void): Promise<JsonValue> {
    const { signal } = this.#hooks;
    this.#send = send;
    send({ kind: 'run', run: this.id, ...this.#request, data: this.#request.data ?? null });
    if (signal.aborted) this.#abort();
    else {
      // The agent may give one signal to all its runs: that many listeners are no leak.
      setMaxListeners(0, signal);
      signal.addEventListener('abort', this.#abort, { once: true });
    }
    return this.outcome;
  }

  /** @param end called when the run has lost its lease and its time to stop is over */
  onCut(end: (reason: InterlockError) => void): void {
    const { cut } = this.#hooks;
    if (cut === undefined) return;
    const listener = () => end(toInterlockError(cut.reason));
    if (cut.aborted) listener();
    else {
      cut.addEventListener('abort', listener, { once: true });
      void this.outcome
        .catch(() => undefined)
        .then(() => cut.removeEventListener('abort', listener));
    }
  }

  handle(report: RunReport): void {
    switch (report.kind) {
      case 'log':
        this.#track(this.#hooks.log(report.line));
        return;
      case 'progress':
        this.#tellProgress(report.value);
        return;
      case 'enqueue':
        this.#track(this.#enqueue(report.call, report.type, report.data));
        return;
      case 'result':
        this.#settle(() => this.#outcome.resolve(report.value));
        return;
      case 'result_invalid':
        this.fail(resultInvalid(this.#file, report.problem));
        return;
      case 'failed':
        this.fail(handlerFailed(this.#file, report.error));
        return;
    }
  }

  fail(error: InterlockError): void {
    this.#settle(() => this.#outcome.reject(error));
  }

  readonly #abort = () => {
    const reason = messageOf(this.#hooks.signal.reason);
    this.#send?.({ kind: 'abort', run: this.id, reason });
  };

  /** The log and the progress of a job are complete before its outcome is known. */
  #settle(settle: () => void): void {
    this.#hooks.signal.removeEventListener('abort', this.#abort);
    if (this.#pending.size === 0) settle();
    else void Promise.all(this.#pending).then(() => this.#settle(settle));
  }

  #track(call: Promise<unknown>): void {
    const tracked = call
      .then(
        () => undefined,
        (error: unknown) => {
          const { jobId } = this.#request;
          this.#logger.warn({ jobId, error: messageOf(error) }, 'a hook of a run failed');
        },
      )
      .finally(() => this.#pending.delete(tracked));
    this.#pending.add(tracked);
  }

  /** A handler may tell progress faster than it can be stored: only the newest value counts. */
  #tellProgress(value: JsonValue): void {
    this.#nextProgress = { value };
    if (this.#isTellingProgress) return;
    this.#track(this.#drainProgress());
  }

  async #drainProgress(): Promise<void> {
    this.#isTellingProgress = true;
    try {
      while (this.#nextProgress !== undefined) {
        const { value } = this.#nextProgress;
        this.#nextProgress = undefined;
        await this.#hooks.progress(value);
      }
    } finally {
      this.#isTellingProgress = false;
    }
  }

  async #enqueue(call: number, type: string, data: JsonValue): Promise<void> {
    try {
      const decision = await this.#hooks.enqueue(type, data);
      this.#send?.({ kind: 'enqueued', call, decision });
    } catch (error) {
      this.#send?.({ kind: 'enqueue_failed', call, reason: messageOf(error) });
    }
  }
}
