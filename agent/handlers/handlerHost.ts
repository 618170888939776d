import type { Readable } from 'node:stream';
import type { Clock, Timer } from '../common/clock.ts';
import { deferred } from '../common/deferred.ts';
import type { InterlockError } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import { BatchSender } from './batchSender.ts';
import type { Compartment, CompartmentEnd, CompartmentKind, HostSetup } from './compartment.ts';
import {
  agentWasSilent,
  endedWhileLoading,
  handlerCrashed,
  handlerDied,
  loadFailed,
  loadTimedOut,
} from './handlerErrors.ts';
import type { HandlerRun } from './handlerRun.ts';
import { hostMessage, parseBatch, type AgentMessage, type HostMessage } from './hostProtocol.ts';
import { isInspectorLine } from './inspectorLine.ts';
import { readLines } from './lineReader.ts';
import { hasChanged } from './loadedFiles.ts';
import { openCompartment } from './openCompartment.ts';
import type { OpenInspector } from './openInspector.ts';

/** The last lines on stderr often tell why a host ended. */
const STDERR_TAIL_LINES = 20;

/** A host that was asked to leave, and runs nothing, is not waited for longer. */
const LEAVE_TIMEOUT_MS = 2_000;

export interface HostSettings extends HostSetup {
  /** What it runs in. */
  kind: CompartmentKind;
  /** A person at a breakpoint is not waited for: with an inspector there is no such limit. */
  loadTimeoutMs: number;
  /** A host that runs nothing for that long is told to its runner. */
  idleMs: number;
}

/** What a host tells its runner. */
export interface HostEvents {
  /** The handler is loaded. The runs that were given meanwhile begin next, unless they are taken back. */
  loaded(host: HandlerHost): void;
  idle(host: HandlerHost): void;
  ended(host: HandlerHost): void;
  /** It waits for a debugger. */
  inspecting?(host: HandlerHost, open: OpenInspector): void;
}

/** The agent's side of one process or thread that runs a handler. */
export class HandlerHost {
  readonly #settings: HostSettings;
  readonly #events: HostEvents;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #compartment: Compartment;
  readonly #sender: BatchSender<AgentMessage>;
  readonly #stderrTail: string[] = [];
  readonly #runs = new Map<number, HandlerRun>();
  readonly #files = new Map<string, { path: string; mtimeMs: number; size: number }>();
  readonly #ended = deferred<undefined>();
  /** Where its inspector listens, once it does. */
  readonly #inspector = deferred<string>();
  #waiting: HandlerRun[] = [];
  #isLoaded = false;
  #isRetired = false;
  #isEnded = false;
  /** As a process told it before its end. */
  #exitCode: number | undefined;
  /** Why the host ends, when it said so itself or was ended by us. */
  #endReason: InterlockError | undefined;
  /** On the monotonic clock. */
  readonly startedAtMs: number;
  #startedRuns = 0;
  #deadline: Timer | undefined;
  #idleTimer: Timer | undefined;
  #idleSinceMs = 0;

  constructor(settings: HostSettings, events: HostEvents, logger: Logger, clock: Clock) {
    this.#settings = settings;
    this.#events = events;
    this.#clock = clock;
    this.startedAtMs = clock.monotonic();
    const told = {
      received: (message: unknown) => this.#receive(message),
      ended: (end: CompartmentEnd) => this.#finish(end),
    };
    this.#compartment = openCompartment(settings.kind, settings, told, logger, clock);
    const { label, stdout, stderr } = this.#compartment;
    this.#logger = logger.child({ jobType: settings.jobType, ...label });
    this.#sender = new BatchSender((batch) => this.#compartment.send(batch));
    this.#logger.debug(`handler ${settings.kind} starts`);
    if (stdout !== null) this.#logLines(stdout, 'stdout');
    if (stderr !== null) this.#logLines(stderr, 'stderr');
    if (settings.inspect) return;
    this.#deadline = clock.setTimeout(() => this.#giveUpLoading(), settings.loadTimeoutMs);
  }

  /** Undefined for a thread, and when the process could not be started. */
  get pid(): number | undefined {
    return this.#compartment.pid;
  }

  get runs(): number {
    return this.#runs.size + this.#waiting.length;
  }

  /** Runs that were given to this host since it was started. */
  get startedRuns(): number {
    return this.#startedRuns;
  }

  /** Resolves when the host is gone and its runs have been told. */
  get ended(): Promise<undefined> {
    return this.#ended.promise;
  }

  /** Whether a file of the handler's code differs from what this host loaded. */
  isOutdated(): boolean {
    for (const stamp of this.#files.values()) if (hasChanged(stamp)) return true;
    return false;
  }

  assign(run: HandlerRun): void {
    this.#startedRuns += 1;
    if (this.#isLoaded) this.#begin(run);
    else this.#waiting.push(run);
  }

  /** Takes back the runs that have not begun, for another host. */
  takeWaiting(): HandlerRun[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** Lets the runs in flight finish, then ends the host. */
  retire(): void {
    if (this.#isRetired || this.#isEnded) return;
    this.#isRetired = true;
    if (this.runs === 0) this.#leave();
  }

  /** Asks the runs in flight to end. */
  terminate(reason: InterlockError): void {
    this.#endReason ??= reason;
    this.#sender.add({ kind: 'end_runs' });
  }

  /** The debugger is gone: nobody else shall come in its place. */
  closeInspector(): void {
    this.#compartment.closeInspector();
  }

  kill(reason: InterlockError): void {
    this.#endReason ??= reason;
    this.#compartment.kill();
  }

  #logLines(stream: Readable, name: 'stdout' | 'stderr'): void {
    readLines(stream, (line) => {
      if (this.#settings.inspect && isInspectorLine(line)) return;
      this.#logger.info({ stream: name }, line);
      if (name === 'stdout') return;
      this.#stderrTail.push(line);
      if (this.#stderrTail.length > STDERR_TAIL_LINES) this.#stderrTail.shift();
    });
  }

  #receive(received: unknown): void {
    const { messages, ignored } = parseBatch(hostMessage, received);
    if (ignored > 0) this.#logger.debug({ ignored }, 'message of a handler ignored');
    for (const message of messages) this.#handle(message);
  }

  #handle(message: HostMessage): void {
    switch (message.kind) {
      case 'debuggable':
        this.#events.inspecting?.(this, this.#compartment.inspectorAt(this.#inspector.promise));
        return;
      case 'inspector':
        this.#inspector.resolve(message.url);
        return;
      case 'ready':
        this.#finishLoading();
        return;
      case 'load_failed':
        this.#endReason ??= loadFailed(this.#settings.file, message.error, message.at);
        return;
      case 'crashed':
        this.#endReason ??= this.#isLoaded
          ? handlerCrashed(this.#settings, message.error)
          : loadFailed(this.#settings.file, message.error, null);
        return;
      case 'exiting':
        this.#exitCode = message.code;
        return;
      case 'files':
        for (const stamp of message.files) this.#files.set(stamp.path, stamp);
        return;
      case 'log':
      case 'progress':
      case 'enqueue':
      case 'result':
      case 'result_invalid':
      case 'failed':
        this.#runs.get(message.run)?.handle(message);
    }
  }

  #finishLoading(): void {
    if (this.#isLoaded || this.#isEnded) return;
    if (!this.#isRetired || this.runs > 0) this.#deadline?.cancel();
    this.#isLoaded = true;
    this.#events.loaded(this);
    for (const run of this.takeWaiting()) this.#begin(run);
    this.#afterRun();
  }

  #begin(run: HandlerRun): void {
    this.#runs.set(run.id, run);
    run.onCut((reason) => this.kill(reason));
    run
      .begin((message) => this.#sender.add(message))
      .then(
        () => this.#forget(run),
        () => this.#forget(run),
      );
  }

  #forget(run: HandlerRun): void {
    this.#runs.delete(run.id);
    this.#afterRun();
  }

  #afterRun(): void {
    if (this.runs > 0) return;
    if (this.#isRetired) this.#leave();
    else this.#noteIdle();
  }

  /** One timer, however often the host becomes idle. */
  #noteIdle(): void {
    this.#idleSinceMs = this.#clock.monotonic();
    this.#idleTimer ??= this.#clock.setTimeout(() => this.#checkIdle(), this.#settings.idleMs);
  }

  #checkIdle(): void {
    this.#idleTimer = undefined;
    if (this.runs > 0 || this.#isRetired || this.#isEnded) return;
    const leftMs = this.#idleSinceMs + this.#settings.idleMs - this.#clock.monotonic();
    if (leftMs <= 0) this.#events.idle(this);
    else this.#idleTimer = this.#clock.setTimeout(() => this.#checkIdle(), leftMs);
  }

  #leave(): void {
    this.#sender.add({ kind: 'stop' });
    this.#deadline?.cancel();
    this.#deadline = this.#clock.setTimeout(() => this.#compartment.kill(), LEAVE_TIMEOUT_MS);
  }

  #giveUpLoading(): void {
    this.kill(loadTimedOut(this.#settings.file, this.#settings.loadTimeoutMs));
  }

  #finish({ how: seen, heardNothing }: CompartmentEnd): void {
    if (this.#isEnded) return;
    const how = this.#exitCode === undefined ? seen : `exit code ${this.#exitCode}`;
    this.#isEnded = true;
    this.#idleTimer?.cancel();
    this.#deadline?.cancel();
    const { file, silenceMs } = this.#settings;
    const reason =
      this.#endReason ??
      (heardNothing && how === seen
        ? agentWasSilent(file, silenceMs)
        : (this.#isLoaded ? handlerDied : endedWhileLoading)(
            this.#settings,
            how,
            this.#stderrTail,
          ));
    for (const run of [...this.#runs.values(), ...this.takeWaiting()]) run.fail(reason);
    this.#logger.debug({ how }, `handler ${this.#settings.kind} ended`);
    this.#events.ended(this);
    this.#ended.resolve(undefined);
  }
}
