import { fork, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { Writable, type Readable } from 'node:stream';
import type { Clock, Timer } from '../common/clock.ts';
import type { Logger } from '../logging.ts';
import type { Compartment, CompartmentEvents, HostSetup } from './compartment.ts';
import { hostEnvironment } from './hostEnvironment.ts';
import { hostArgumentsOf, type AgentMessage } from './hostProtocol.ts';
import type { OpenInspector } from './openInspector.ts';
import { openProcessInspector } from './processInspector.ts';
import { LIFELINE_FD } from './watchdog.ts';

/** After its end, what a process wrote last may still be on its way. */
const LAST_WORDS_MS = 200;

/** What the agent says to a process that waits: it lives. */
const HEARTBEAT = Buffer.from('.');

/** Heartbeats in the time after which a silent agent is taken for frozen. */
const HEARTBEATS_PER_SILENCE = 3;

/** From that part of the silence that ends a process on, its end counts as the watchdog's. */
const SILENT_SHARE = 0.8;
const WATCHDOG_END = 'signal SIGKILL';

/**
 * The id of the inspector is told on stderr, which is a pipe of ours, and not over HTTP: who does not
 * know it can not attach.
 */
const INSPECTOR_FLAGS = ['--inspect-publish-uid=stderr'];

/** A process of its own for a handler. */
export class ProcessCompartment implements Compartment {
  readonly #child: ChildProcess;
  readonly #silenceMs: number;
  readonly #events: CompartmentEvents;
  readonly #clock: Clock;
  #heartbeat: Timer | undefined;
  /** When this process was last told that its agent lives; it ends itself when that is too long ago. */
  #lastBeatMs: number;
  #agentWasSilent = false;

  constructor(setup: HostSetup, events: CompartmentEvents, logger: Logger, clock: Clock) {
    this.#silenceMs = setup.silenceMs;
    this.#events = events;
    this.#clock = clock;
    this.#lastBeatMs = clock.monotonic();
    this.#child = startProcess(setup);
    const child = this.#child;
    child.on('message', (received: unknown) => events.received(received));
    child.on('error', (error) => logger.warn({ error: error.message }, 'handler process'));
    watchEnd(child, clock, (how) => this.#end(how));
    const lifeline = child.stdio[LIFELINE_FD];
    lifeline?.on('error', () => undefined);
    if (lifeline !== null && lifeline !== undefined && 'resume' in lifeline) lifeline.resume();
    this.#beat();
  }

  get label(): Record<string, number | undefined> {
    return { handlerPid: this.pid };
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get stdout(): Readable | null {
    return this.#child.stdout;
  }

  get stderr(): Readable | null {
    return this.#child.stderr;
  }

  send(batch: AgentMessage[]): void {
    // A channel that breaks is told by the end of the process: every run is settled there.
    if (this.#child.connected) this.#child.send(batch, () => undefined);
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  inspectorAt(url: Promise<string>): OpenInspector {
    return (events) => openProcessInspector(url, this.#clock, events);
  }

  closeInspector(): void {
    this.send([{ kind: 'close_inspector' }]);
  }

  #beat(): void {
    this.#noteSilence();
    this.#lastBeatMs = this.#clock.monotonic();
    const lifeline = this.#child.stdio[LIFELINE_FD];
    if (lifeline instanceof Writable && lifeline.writable) lifeline.write(HEARTBEAT);
    const everyMs = Math.max(1, this.#silenceMs / HEARTBEATS_PER_SILENCE);
    this.#heartbeat = this.#clock.setTimeout(() => this.#beat(), everyMs);
  }

  /** The agent itself was stopped or busy for so long that the process had to take it for dead. */
  #noteSilence(): void {
    const sinceMs = this.#clock.monotonic() - this.#lastBeatMs;
    if (sinceMs > this.#silenceMs * SILENT_SHARE) this.#agentWasSilent = true;
  }

  #end(how: string): void {
    this.#heartbeat?.cancel();
    this.#noteSilence();
    this.#events.ended({ how, heardNothing: this.#agentWasSilent && how === WATCHDOG_END });
  }
}

function startProcess(setup: HostSetup): ChildProcess {
  return fork(join(setup.programFolder, 'handlerHost.js'), hostArgumentsOf(setup), {
    // Not the agent's own flags: an inspector or a loader of the agent is not the handler's.
    execArgv: setup.inspect ? INSPECTOR_FLAGS : [],
    env: hostEnvironment(process.env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc', 'overlapped'],
    serialization: 'json',
  });
}

/** Tells the end of a process once, after its last messages and its output have arrived. */
function watchEnd(child: ChildProcess, clock: Clock, onEnd: (how: string) => void): void {
  let how = 'it could not be started';
  let isOver = false;
  const parts = new Set(['close', 'disconnect']);
  const finish = () => {
    if (!isOver) onEnd(how);
    isOver = true;
  };
  const end = (part: string) => {
    parts.delete(part);
    if (parts.size === 0) finish();
  };
  child.once('close', () => end('close'));
  child.once('disconnect', () => end('disconnect'));
  child.once('exit', (code, signal) => {
    how = signal === null ? `exit code ${String(code)}` : `signal ${signal}`;
    // A process started by the handler may hold the pipes open.
    clock.setTimeout(finish, LAST_WORDS_MS);
  });
  child.once('error', (error) => {
    if (child.pid !== undefined) return;
    how = `it could not be started: ${error.message}`;
    finish();
  });
}
