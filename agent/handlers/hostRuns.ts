import { format } from 'node:util';
import { deferred, type Deferred } from '../common/deferred.ts';
import type { JsonValue } from '../common/json.ts';
import type { Decision } from '../protocol/decision.ts';
import type { HandlerContext, HandlerJob } from './handlerContext.ts';
import { NoKeyFunctionError, type HandlerModule } from './handlerModule.ts';
import type { HostMessage, RunCommand, RunMessage } from './hostProtocol.ts';
import { toJson } from './jsonShape.ts';
import { toWireError } from './wireErrors.ts';

/** One run in this process. */
export interface Run {
  readonly id: number;
  /** Made when it is asked for: most handlers never look at their signal. */
  abort: AbortController | undefined;
  abortReason: string | undefined;
}

type Enter = (run: Run, call: () => unknown) => unknown;

/** The runs in flight in this process, and what they say to the agent. */
export class HostRuns {
  readonly #module: HandlerModule;
  readonly #send: (message: HostMessage) => void;
  readonly #runs = new Map<number, Run>();
  readonly #enqueueing = new Map<number, Deferred<Decision>>();
  readonly #enter: Enter;
  #lastCall = 0;

  /** @param enter calls the handler, in whatever tells later which run is the current one */
  constructor(
    module: HandlerModule,
    send: (message: HostMessage) => void,
    enter: Enter = (_run, call) => call(),
  ) {
    this.#module = module;
    this.#send = send;
    this.#enter = enter;
  }

  get size(): number {
    return this.#runs.size;
  }

  handle(message: RunCommand): void {
    switch (message.kind) {
      case 'run':
        void this.#execute(message);
        return;
      case 'abort':
        this.#abort(message.run, message.reason);
        return;
      case 'enqueued':
        this.#takeCall(message.call)?.resolve(message.decision);
        return;
      case 'enqueue_failed':
        this.#takeCall(message.call)?.reject(new Error(message.reason));
        return;
    }
  }

  /** @returns false when the run is over: what it prints then belongs to nobody */
  log(run: Run, line: string): boolean {
    if (!this.#runs.has(run.id)) return false;
    this.#send({ kind: 'log', run: run.id, line });
    return true;
  }

  abortAll(reason: string): void {
    for (const id of this.#runs.keys()) this.#abort(id, reason);
  }

  async #execute(message: RunMessage): Promise<void> {
    const run: Run = { id: message.run, abort: undefined, abortReason: undefined };
    this.#runs.set(run.id, run);
    try {
      const result = toJson(await this.#enter(run, () => this.#call(run, message)));
      this.#send(
        result.ok
          ? { kind: 'result', run: run.id, value: result.value }
          : { kind: 'result_invalid', run: run.id, problem: result.problem },
      );
    } catch (thrown) {
      this.#send({ kind: 'failed', run: run.id, error: toWireError(thrown) });
    } finally {
      this.#runs.delete(run.id);
    }
  }

  #call(run: Run, message: RunMessage): unknown {
    const { run: handler, unique } = this.#module;
    if (message.asks === 'run') return handler(jobOf(message), this.#contextOf(run, message));
    if (unique === undefined) throw new NoKeyFunctionError();
    return unique(message.data);
  }

  #contextOf(run: Run, { fence, isReplay }: RunMessage): HandlerContext {
    return {
      get signal() {
        return signalOf(run);
      },
      fence,
      isReplay,
      log: (...values) => {
        this.#send({ kind: 'log', run: run.id, line: format(...values) });
        return Promise.resolve();
      },
      progress: (value) => {
        this.#send({ kind: 'progress', run: run.id, value: mustBeJson('progress', value) });
        return Promise.resolve();
      },
      enqueue: (type, data) => this.#enqueue(run, type, mustBeJson('data', data)),
    };
  }

  #enqueue(run: Run, type: string, data: JsonValue): Promise<Decision> {
    const call = ++this.#lastCall;
    const answer = deferred<Decision>();
    this.#enqueueing.set(call, answer);
    this.#send({ kind: 'enqueue', run: run.id, call, type, data });
    return answer.promise;
  }

  #takeCall(call: number): Deferred<Decision> | undefined {
    const answer = this.#enqueueing.get(call);
    this.#enqueueing.delete(call);
    return answer;
  }

  #abort(id: number, reason: string): void {
    const run = this.#runs.get(id);
    if (run === undefined || run.abortReason !== undefined) return;
    run.abortReason = reason;
    run.abort?.abort(new Error(reason));
  }
}

function jobOf(message: RunMessage): HandlerJob {
  const { jobId, type, queue, data, attempt, enqueuedAtMs } = message;
  return { id: jobId, type, queue, data, attempt, enqueuedAt: new Date(enqueuedAtMs) };
}

function signalOf(run: Run): AbortSignal {
  if (run.abort === undefined) {
    run.abort = new AbortController();
    if (run.abortReason !== undefined) run.abort.abort(new Error(run.abortReason));
  }
  return run.abort.signal;
}

function mustBeJson(name: string, value: unknown): JsonValue {
  const converted = toJson(value);
  if (converted.ok) return converted.value;
  throw new TypeError(`The ${name} must be JSON, but ${converted.problem}.`);
}
