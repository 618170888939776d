import { sleep, type Clock } from '../common/clock.ts';
import type { JsonValue } from '../common/json.ts';
import type { Logger } from '../logging.ts';
import { endedByStop, loadFailed, runnerClosed } from './handlerErrors.ts';
import { handlerModuleOf } from './handlerModule.ts';
import { HandlerRun } from './handlerRun.ts';
import type { FileStamp } from './hostProtocol.ts';
import { HostRuns } from './hostRuns.ts';
import { importCurrent } from './importCurrent.ts';
import { placeOfLoadFailure } from './loadFailure.ts';
import { hasChanged, stampOf } from './loadedFiles.ts';
import {
  keyHooks,
  keyRequest,
  type HandlerRunner,
  type RunHooks,
  type RunnerOptions,
  type RunRequest,
} from './runner.ts';
import { toWireError } from './wireErrors.ts';

/** At most that often the handler file is looked at. */
const FILE_CHECK_MS = 20;

/** One version of the handler's code. */
interface LoadedHandler {
  stamp: FileStamp | undefined;
  runs: Promise<HostRuns>;
}

/**
 * Runs a handler in the agent's own process: fastest, and a handler that blocks or crashes takes the
 * agent with it. An edit of the handler file itself is used by the next run; an edit of what it
 * imports needs a restart, and each edited version stays in memory.
 */
export class InlineRunner implements HandlerRunner {
  readonly #file: string;
  readonly #jobType: string;
  readonly #programFolder: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #inFlight = new Map<number, HandlerRun>();
  #loaded: LoadedHandler | undefined;
  #lastRun = 0;
  #nextFileCheckMs = 0;
  #isClosed = false;
  #whenIdle: (() => void) | undefined;

  /** @param programFolder where `typescriptHooks.mjs` lies */
  constructor(options: RunnerOptions, programFolder: string, logger: Logger, clock: Clock) {
    this.#file = options.file;
    this.#jobType = options.jobType;
    this.#programFolder = programFolder;
    this.#logger = logger;
    this.#clock = clock;
  }

  async run(request: RunRequest, hooks: RunHooks): Promise<JsonValue> {
    if (this.#isClosed) throw runnerClosed(this.#file);
    const run = new HandlerRun(++this.#lastRun, this.#file, request, hooks, this.#logger);
    this.#inFlight.set(run.id, run);
    try {
      const runs = await this.#current();
      // Code in this process can not be ended: the run is given up, and its fence keeps its effects out.
      run.onCut((reason) => run.fail(reason));
      return await run.begin((message) => runs.handle(message));
    } finally {
      this.#inFlight.delete(run.id);
      if (this.#inFlight.size === 0) this.#whenIdle?.();
    }
  }

  keyOf(data: JsonValue): Promise<JsonValue> {
    return this.run(keyRequest(this.#jobType, data), keyHooks());
  }

  warmUp(): void {
    // Nothing to start: the code runs in this process.
  }

  /** Code in this process can not be ended: a run that does not end by itself is only given up. */
  async close(deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    const idle = new AbortController();
    this.#whenIdle = () => idle.abort();
    if (this.#inFlight.size > 0) await sleep(this.#clock, deadlineMs, idle.signal);
    for (const run of this.#inFlight.values()) run.fail(endedByStop(this.#file));
  }

  processIds(): number[] {
    return [];
  }

  #current(): Promise<HostRuns> {
    const nowMs = this.#clock.monotonic();
    if (this.#loaded !== undefined && nowMs < this.#nextFileCheckMs) return this.#loaded.runs;
    this.#nextFileCheckMs = nowMs + FILE_CHECK_MS;
    const stamp = this.#loaded?.stamp;
    if (this.#loaded === undefined || stamp === undefined || hasChanged(stamp)) {
      this.#loaded = this.#load();
    }
    return this.#loaded.runs;
  }

  #load(): LoadedHandler {
    const stamp = stampOf(this.#file);
    const loaded: LoadedHandler = { stamp, runs: this.#import() };
    // What could not be loaded is tried again by the next run.
    loaded.runs.catch(() => {
      if (this.#loaded === loaded) this.#loaded = undefined;
    });
    return loaded;
  }

  async #import(): Promise<HostRuns> {
    try {
      const handler = handlerModuleOf(await importCurrent(this.#file, this.#programFolder));
      return new HostRuns(handler, (report) => {
        if ('run' in report) this.#inFlight.get(report.run)?.handle(report);
      });
    } catch (thrown) {
      const at = placeOfLoadFailure(thrown, [this.#file], this.#programFolder) ?? null;
      throw loadFailed(this.#file, toWireError(thrown), at);
    }
  }
}
