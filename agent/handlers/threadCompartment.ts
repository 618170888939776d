import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { Worker, type WorkerOptions } from 'node:worker_threads';
import * as z from 'zod';
import type { Clock, Timer } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import type { Compartment, CompartmentEvents, HostSetup } from './compartment.ts';
import { hostEnvironment } from './hostEnvironment.ts';
import { hostArgumentsOf, type AgentMessage } from './hostProtocol.ts';
import type { OpenInspector } from './openInspector.ts';
import { ThreadInspector } from './threadInspector.ts';

/** A thread that was ended and is still there hangs in native code: nothing can end that. */
const END_WITHIN_MS = 2_000;

/** The inspector of a thread is there as soon as the thread is. */
const INSPECTOR_WITHIN_MS = 20_000;

const OUT_OF_MEMORY = 'ERR_WORKER_OUT_OF_MEMORY';
const BAD_NODE_OPTIONS = 'ERR_WORKER_INVALID_EXEC_ARGV';

const codedError = z.object({ code: z.string() });

/** A worker thread of this process for a handler. */
export class ThreadCompartment implements Compartment {
  readonly #events: CompartmentEvents;
  readonly #logger: Logger;
  readonly #clock: Clock;
  readonly #inspector: ThreadInspector | undefined;
  readonly #worker: Worker | undefined;
  #deadline: Timer | undefined;
  #how: string | undefined;
  #isOver = false;

  constructor(setup: HostSetup, events: CompartmentEvents, logger: Logger, clock: Clock) {
    this.#events = events;
    this.#logger = logger;
    this.#clock = clock;
    const name = `interlock-handler ${setup.jobType} ${randomUUID()}`;
    try {
      if (setup.inspect) {
        this.#inspector = new ThreadInspector(name, () => this.#letWait());
        this.#deadline = clock.setTimeout(() => this.#giveUpInspector(), INSPECTOR_WITHIN_MS);
      }
      this.#worker = startThread(setup, name);
      this.#watch(this.#worker);
    } catch (error) {
      this.#how = `it could not be started: ${messageOf(error)}`;
      setImmediate(() => this.#end());
    }
  }

  get label(): Record<string, number | undefined> {
    return { handlerThread: this.#worker?.threadId };
  }

  get pid(): undefined {
    return undefined;
  }

  get stdout(): Readable | null {
    return this.#worker?.stdout ?? null;
  }

  get stderr(): Readable | null {
    return this.#worker?.stderr ?? null;
  }

  send(batch: AgentMessage[]): void {
    this.#worker?.postMessage(batch);
  }

  kill(): void {
    if (this.#isOver) return;
    this.#deadline?.cancel();
    this.#deadline = this.#clock.setTimeout(() => this.#giveUp(), END_WITHIN_MS);
    void this.#worker?.terminate();
    // After that, so that a handler that stands still does not go on for a moment.
    this.#inspector?.close();
  }

  inspectorAt(): OpenInspector {
    return (events) => {
      if (this.#inspector === undefined) throw new Error('this thread waits for no debugger');
      return this.#inspector.open(events);
    };
  }

  closeInspector(): void {
    this.#inspector?.close();
  }

  #watch(worker: Worker): void {
    worker.on('message', (received: unknown) => {
      // A thread that was given up may go on: nobody listens to it.
      if (!this.#isOver) this.#events.received(received);
    });
    worker.on('error', (error) => {
      const { code } = codedError.safeParse(error).data ?? {};
      this.#how = code === OUT_OF_MEMORY ? 'its heap has no room left' : messageOf(error);
    });
    worker.once('exit', (code) => {
      this.#how ??= `exit code ${code}`;
      const output = [worker.stdout, worker.stderr].map((stream) => finished(stream));
      void Promise.allSettled(output).then(() => this.#end());
    });
  }

  /** Its inspector is attached to: the thread is told that it may wait for the debugger. */
  #letWait(): void {
    this.#deadline?.cancel();
    this.send([{ kind: 'wait_for_debugger' }]);
  }

  #giveUpInspector(): void {
    this.#how = 'its inspector can not be reached';
    this.kill();
  }

  #giveUp(): void {
    this.#how = 'it could not be ended';
    this.#logger.error('a handler thread hangs in native code; it goes on until the agent ends');
    this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#deadline?.cancel();
    this.#inspector?.close();
    this.#events.ended({ how: this.#how ?? 'it ended', heardNothing: false });
  }
}

function startThread(setup: HostSetup, name: string): Worker {
  const program = join(setup.programFolder, 'handlerHost.js');
  const env = hostEnvironment(process.env);
  const { heapLimitMb } = setup;
  const options: WorkerOptions = {
    ...{ name, env, argv: hostArgumentsOf(setup), stdout: true, stderr: true },
    // Not the agent's own flags: a loader of the agent is not the handler's.
    execArgv: [],
    ...(heapLimitMb === undefined
      ? {}
      : { resourceLimits: { maxOldGenerationSizeMb: heapLimitMb } }),
  };
  try {
    return new Worker(program, options);
  } catch (error) {
    if (codedError.safeParse(error).data?.code !== BAD_NODE_OPTIONS) throw error;
    // Node takes an option of a whole process only when the agent's text is unchanged; the agent has it.
    const rest = Object.entries(env).filter(([key]) => key !== 'NODE_OPTIONS');
    return new Worker(program, { ...options, env: Object.fromEntries(rest) });
  }
}
