import type { Clock } from '../common/clock.ts';
import { sleep } from '../common/clock.ts';
import type { JsonValue } from '../common/json.ts';
import type { Logger } from '../logging.ts';
import type { CompartmentKind } from './compartment.ts';
import { endedByStop, runnerClosed } from './handlerErrors.ts';
import { HandlerHost, type HostEvents } from './handlerHost.ts';
import { HandlerRun } from './handlerRun.ts';
import { placeRun, recyclePhase } from './placement.ts';
import {
  keyHooks,
  keyRequest,
  type HandlerRunner,
  type RunHooks,
  type RunnerOptions,
  type RunRequest,
} from './runner.ts';

/** At most that often the files of the handler are looked at, however many runs there are. */
const FILE_CHECK_MS = 20;

/** And never more than this share of the time: a handler may consist of thousands of files. */
const FILE_CHECK_SHARE = 0.05;

/** At the end of `close`, runs that were asked to end get this part of the time to do so. */
const TERMINATE_SHARE = 0.2;

export interface HostLimits {
  loadTimeoutMs: number;
  idleExitMs: number;
  /** Of a thread; left out, it is Node's own limit. */
  heapLimitMb?: number;
}

const LIMITS: HostLimits = { loadTimeoutMs: 30_000, idleExitMs: 60_000 };

/** Runs a handler in processes or threads of its own, which are started when the first run comes. */
export class IsolatedRunner implements HandlerRunner {
  readonly #kind: CompartmentKind;
  readonly #options: RunnerOptions;
  readonly #programFolder: string;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #limits: HostLimits;
  /** Started ahead for a host that is about to be recycled. */
  #successor: HandlerHost | undefined;
  /** Those that take runs. */
  #open: HandlerHost[] = [];
  /** All of them, also those that finish their last runs. */
  readonly #alive = new Set<HandlerHost>();
  readonly #events: HostEvents;
  #lastRun = 0;
  #nextFileCheckMs = 0;
  #isClosed = false;

  /** @param programFolder where `handlerHost.js` lies */
  constructor(
    kind: CompartmentKind,
    options: RunnerOptions,
    programFolder: string,
    logger: Logger,
    clock: Clock,
    limits: HostLimits = LIMITS,
  ) {
    this.#kind = kind;
    this.#options = options;
    this.#programFolder = programFolder;
    this.#logger = logger;
    this.#clock = clock;
    this.#limits = limits;
    this.#events = {
      loaded: (host) => this.#checkLoaded(host),
      idle: (host) => this.#retire(host),
      ended: (host) => this.#forget(host),
    };
  }

  run(request: RunRequest, hooks: RunHooks): Promise<JsonValue> {
    const { file } = this.#options;
    if (this.#isClosed) return Promise.reject(runnerClosed(file));
    const run = new HandlerRun(++this.#lastRun, file, request, hooks, this.#logger);
    this.#retireOutdated();
    this.#place(run);
    return run.outcome;
  }

  keyOf(data: JsonValue): Promise<JsonValue> {
    return this.run(keyRequest(this.#options.jobType, data), keyHooks());
  }

  warmUp(): void {
    if (this.#isClosed || this.#open.length > 0) return;
    this.#successor ??= this.#start();
  }

  async close(deadlineMs: number): Promise<void> {
    this.#isClosed = true;
    const reason = endedByStop(this.#options.file);
    const ended = Promise.all([...this.#alive].map((host) => host.ended));
    const over = new AbortController();
    for (const host of this.#alive) this.#retire(host);
    void ended.then(() => over.abort());
    await sleep(this.#clock, deadlineMs * (1 - TERMINATE_SHARE), over.signal);
    for (const host of this.#alive) host.terminate(reason);
    await sleep(this.#clock, deadlineMs * TERMINATE_SHARE, over.signal);
    for (const host of this.#alive) host.kill(reason);
    await ended;
  }

  /** Processes or threads that are alive. */
  get alive(): number {
    return this.#alive.size;
  }

  processIds(): number[] {
    return [...this.#alive].flatMap((host) => host.pid ?? []);
  }

  #place(run: HandlerRun): void {
    const placed = placeRun(this.#open, this.#options.processes);
    const host = placed === 'new host' ? this.#openNew() : placed;
    host.assign(run);
    const ageMs = this.#clock.monotonic() - host.startedAtMs;
    const phase = recyclePhase(host.startedRuns, ageMs, this.#options.maxRunsPerProcess);
    if (phase === 'prepare') this.#successor ??= this.#start();
    else if (phase === 'replace') this.#replace(host);
  }

  #replace(host: HandlerHost): void {
    this.#retire(host);
    if (this.#successor === undefined) return;
    this.#open.push(this.#successor);
    this.#successor = undefined;
  }

  #openNew(): HandlerHost {
    const host = this.#successor ?? this.#start();
    this.#successor = undefined;
    this.#open.push(host);
    return host;
  }

  #start(): HandlerHost {
    const { file, jobType, silenceMs } = this.#options;
    const { idleExitMs: idleMs, ...limits } = this.#limits;
    const settings = {
      ...{ kind: this.#kind, file, jobType, silenceMs, ...limits, idleMs },
      ...{ inspect: false, programFolder: this.#programFolder },
    };
    const host = new HandlerHost(settings, this.#events, this.#logger, this.#clock);
    this.#alive.add(host);
    return host;
  }

  #retireOutdated(): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs < this.#nextFileCheckMs) return;
    for (const host of this.#alive) if (host.isOutdated()) this.#retire(host);
    const tookMs = this.#clock.monotonic() - nowMs;
    this.#nextFileCheckMs = nowMs + Math.max(FILE_CHECK_MS, tookMs / FILE_CHECK_SHARE);
  }

  /** Code that was edited while it was loaded is not given to runs that came after the edit. */
  #checkLoaded(host: HandlerHost): void {
    if (this.#isClosed || !host.isOutdated()) return;
    const waiting = host.takeWaiting();
    this.#retire(host);
    for (const run of waiting) this.#place(run);
  }

  #retire(host: HandlerHost): void {
    this.#giveNoRuns(host);
    host.retire();
  }

  #forget(host: HandlerHost): void {
    this.#giveNoRuns(host);
    this.#alive.delete(host);
  }

  #giveNoRuns(host: HandlerHost): void {
    this.#open = this.#open.filter((each) => each !== host);
    if (this.#successor === host) this.#successor = undefined;
  }
}
