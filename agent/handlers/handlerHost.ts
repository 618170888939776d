import type { ChildProcess } from 'node:child_process';
import { Writable, type Readable } from 'node:stream';
import type { Clock, Timer } from '../common/clock.ts';
import { deferred } from '../common/deferred.ts';
import type { InterlockError } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import { BatchSender } from './batchSender.ts';
import { forkHost, isInspectorLine, watchEnd, type HostProgram } from './forkHost.ts';
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
import { readLines } from './lineReader.ts';
import { hasChanged } from './loadedFiles.ts';
import { LIFELINE_FD } from './watchdog.ts';

/** What the agent says to a process that waits: it lives. */
const HEARTBEAT = Buffer.from('.');

/** Heartbeats in the time after which a silent agent is taken for frozen. */
const HEARTBEATS_PER_SILENCE = 3;

/** From that part of the silence that ends a process on, its end counts as the watchdog's. */
const SILENT_SHARE = 0.8;
const WATCHDOG_END = 'signal SIGKILL';

/** The last lines on stderr often tell why a process ended. */
const STDERR_TAIL_LINES = 20;

/** A process that was asked to leave, and runs nothing, is not waited for longer. */
const LEAVE_TIMEOUT_MS = 2_000;

export interface HostSettings extends HostProgram {
  /** A person at a breakpoint is not waited for: with an inspector there is no such limit. */
  loadTimeoutMs: number;
  /** A process that runs nothing for that long is told to its runner. */
  idleMs: number;
}

/** What a host tells its runner. */
export interface HostEvents {
  /** The handler is loaded. The runs that were given meanwhile begin next, unless they are taken back. */
  loaded(host: HandlerHost): void;
  idle(host: HandlerHost): void;
  ended(host: HandlerHost): void;
  /** Its inspector listens at this address, and it waits for a debugger. */
  inspecting?(host: HandlerHost, url: string): void;
}

/** The agent's side of one handler process. */
export class HandlerHost {
  readonly #settings: HostSettings;
  readonly #events: HostEvents;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #child: ChildProcess;
  readonly #sender: BatchSender<AgentMessage>;
  readonly #stderrTail: string[] = [];
  readonly #runs = new Map<number, HandlerRun>();
  readonly #files = new Map<string, { path: string; mtimeMs: number; size: number }>();
  readonly #ended = deferred<undefined>();
  #waiting: HandlerRun[] = [];
  #isLoaded = false;
  #isRetired = false;
  #isEnded = false;
  /** As the process told it before its end. */
  #exitCode: number | undefined;
  /** Why the process ends, when it said so itself or was ended by us. */
  #endReason: InterlockError | undefined;
  /** On the monotonic clock. */
  readonly startedAtMs: number;
  #startedRuns = 0;
  #heartbeat: Timer | undefined;
  /** When this process was last told that its agent lives; it ends itself when that is too long ago. */
  #lastBeatMs: number;
  #wasSilent = false;
  #deadline: Timer | undefined;
  #idleTimer: Timer | undefined;
  #idleSinceMs = 0;

  constructor(settings: HostSettings, events: HostEvents, logger: Logger, clock: Clock) {
    this.#settings = settings;
    this.#events = events;
    this.#clock = clock;
    this.startedAtMs = clock.monotonic();
    this.#lastBeatMs = this.startedAtMs;
    this.#child = forkHost(settings);
    this.#logger = logger.child({ jobType: settings.jobType, handlerPid: this.#child.pid });
    this.#sender = new BatchSender((batch) => this.#post(batch));
    this.#watch();
    this.#beat();
    if (settings.inspect) return;
    this.#deadline = clock.setTimeout(() => this.#giveUpLoading(), settings.loadTimeoutMs);
  }

  /** Undefined when the process could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get runs(): number {
    return this.#runs.size + this.#waiting.length;
  }

  /** Runs that were given to this process since it was started. */
  get startedRuns(): number {
    return this.#startedRuns;
  }

  /** Resolves when the process is gone and its runs have been told. */
  get ended(): Promise<undefined> {
    return this.#ended.promise;
  }

  /** Whether a file of the handler's code differs from what this process loaded. */
  isOutdated(): boolean {
    for (const stamp of this.#files.values()) if (hasChanged(stamp)) return true;
    return false;
  }

  assign(run: HandlerRun): void {
    this.#startedRuns += 1;
    if (this.#isLoaded) this.#begin(run);
    else this.#waiting.push(run);
  }

  /** Takes back the runs that have not begun, for another process. */
  takeWaiting(): HandlerRun[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting;
  }

  /** Lets the runs in flight finish, then ends the process. */
  retire(): void {
    if (this.#isRetired || this.#isEnded) return;
    this.#isRetired = true;
    if (this.runs === 0) this.#leave();
  }

  /** Asks the runs in flight to end. */
  terminate(reason: InterlockError): void {
    this.#endReason ??= reason;
    this.#child.kill('SIGTERM');
  }

  /** The debugger is gone: nobody else shall come in its place. */
  closeInspector(): void {
    this.#sender.add({ kind: 'close_inspector' });
  }

  kill(reason: InterlockError): void {
    this.#endReason ??= reason;
    this.#child.kill('SIGKILL');
  }

  #watch(): void {
    const child = this.#child;
    child.on('message', (received: unknown) => this.#receive(received));
    child.on('error', (error) => this.#logger.warn({ error: error.message }, 'handler process'));
    child.once('spawn', () => this.#logger.debug('handler process started'));
    watchEnd(child, this.#clock, (how) => this.#finish(how));
    const { stdout, stderr } = child;
    if (stdout !== null) this.#logLines(stdout, 'stdout');
    if (stderr !== null) this.#logLines(stderr, 'stderr');
    const lifeline = child.stdio[LIFELINE_FD];
    lifeline?.on('error', () => undefined);
    if (lifeline !== null && lifeline !== undefined && 'resume' in lifeline) lifeline.resume();
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

  #beat(): void {
    this.#noteSilence();
    this.#lastBeatMs = this.#clock.monotonic();
    const lifeline = this.#child.stdio[LIFELINE_FD];
    if (lifeline instanceof Writable && lifeline.writable) lifeline.write(HEARTBEAT);
    const everyMs = Math.max(1, this.#settings.silenceMs / HEARTBEATS_PER_SILENCE);
    this.#heartbeat = this.#clock.setTimeout(() => this.#beat(), everyMs);
  }

  /** The agent itself was stopped or busy for so long that the process had to take it for dead. */
  #noteSilence(): void {
    const sinceMs = this.#clock.monotonic() - this.#lastBeatMs;
    if (sinceMs > this.#settings.silenceMs * SILENT_SHARE) this.#wasSilent = true;
  }

  #post(batch: AgentMessage[]): void {
    // A channel that breaks is told by the end of the process: every run is settled there.
    if (this.#child.connected) this.#child.send(batch, () => undefined);
  }

  #receive(received: unknown): void {
    const { messages, ignored } = parseBatch(hostMessage, received);
    if (ignored > 0) this.#logger.debug({ ignored }, 'message of a handler ignored');
    for (const message of messages) this.#handle(message);
  }

  #handle(message: HostMessage): void {
    switch (message.kind) {
      case 'inspector':
        this.#events.inspecting?.(this, message.url);
        return;
      case 'ready':
        this.#finishLoading();
        return;
      case 'load_failed':
        this.#endReason ??= loadFailed(this.#settings.file, message.error, message.at);
        return;
      case 'crashed':
        this.#endReason ??= this.#isLoaded
          ? handlerCrashed(this.#settings.file, message.error)
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

  /** One timer, however often the process becomes idle. */
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
    this.#deadline = this.#clock.setTimeout(() => this.#child.kill('SIGKILL'), LEAVE_TIMEOUT_MS);
  }

  #giveUpLoading(): void {
    this.kill(loadTimedOut(this.#settings.file, this.#settings.loadTimeoutMs));
  }

  #finish(seen: string): void {
    if (this.#isEnded) return;
    const how = this.#exitCode === undefined ? seen : `exit code ${this.#exitCode}`;
    this.#isEnded = true;
    this.#idleTimer?.cancel();
    this.#heartbeat?.cancel();
    this.#deadline?.cancel();
    const { file } = this.#settings;
    this.#noteSilence();
    const endedItself = this.#wasSilent && how === WATCHDOG_END;
    const reason =
      this.#endReason ??
      (endedItself
        ? agentWasSilent(file, this.#settings.silenceMs)
        : (this.#isLoaded ? handlerDied : endedWhileLoading)(file, how, this.#stderrTail));
    for (const run of [...this.#runs.values(), ...this.takeWaiting()]) run.fail(reason);
    this.#logger.debug({ how }, 'handler process ended');
    this.#events.ended(this);
    this.#ended.resolve(undefined);
  }
}
