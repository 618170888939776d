import { AsyncLocalStorage } from 'node:async_hooks';
import { pathToFileURL } from 'node:url';
import { attributeConsole } from './attributedConsole.ts';
import { BatchSender } from './batchSender.ts';
import { handlerModuleOf, type HandlerModule } from './handlerModule.ts';
import {
  agentMessage,
  parseBatch,
  type AgentMessage,
  type FileStamp,
  type HostArguments,
  type HostMessage,
} from './hostProtocol.ts';
import { HostRuns, type Run } from './hostRuns.ts';
import { placeOfLoadFailure } from './loadFailure.ts';
import { registerTypescript, type TypescriptSupport } from './registerTypescript.ts';
import { toWireError } from './wireErrors.ts';

/** How often it is seen whether the runs that were asked to end have done so. */
const LOOK_FOR_END_MS = 10;

/** The way to the agent. What is sent when the agent is gone is lost. */
export interface AgentChannel {
  /** @param sent called when it has left, or can not leave */
  send(batch: HostMessage[], sent?: () => void): void;
}

/** What is for what the program runs in, and not for its runs. */
export type InspectorCommand = Extract<
  AgentMessage,
  { kind: 'wait_for_debugger' | 'close_inspector' }
>;

/**
 * Loads one handler file and runs many jobs with it at one time. `process.exit` ends what it runs in,
 * a process or only a thread.
 */
export class HostProgram {
  readonly #setup: HostArguments;
  readonly #programFolder: string;
  readonly #channel: AgentChannel;
  readonly #sender: BatchSender<HostMessage>;
  readonly #onInspector: (command: InspectorCommand) => void;
  /** Files of the user's code that were loaded. */
  readonly #paths: string[] = [];
  #typescript: TypescriptSupport | undefined;
  #loaded: HostRuns | undefined;
  #isLeaving = false;

  /** @param programFolder where the hooks and amaro lie */
  constructor(
    setup: HostArguments,
    programFolder: string,
    channel: AgentChannel,
    onInspector: (command: InspectorCommand) => void,
  ) {
    this.#setup = setup;
    this.#programFolder = programFolder;
    this.#channel = channel;
    this.#onInspector = onInspector;
    this.#sender = new BatchSender((batch) => channel.send(batch));
    process.on('uncaughtException', (thrown) => this.#crash(thrown));
    process.on('unhandledRejection', (thrown) => this.#crash(thrown));
    // What a run said last, when its handler calls `process.exit`.
    process.on('exit', () => this.#sender.flush());
  }

  receive(received: unknown): void {
    for (const message of parseBatch(agentMessage, received).messages) {
      switch (message.kind) {
        case 'stop':
          process.exit(0);
          break;
        case 'end_runs':
          this.endRuns('the agent asked it to end');
          break;
        case 'wait_for_debugger':
        case 'close_inspector':
          this.#onInspector(message);
          break;
        case 'run':
        case 'abort':
        case 'enqueued':
        case 'enqueue_failed':
          this.#loaded?.handle(message);
      }
    }
  }

  /** Asks the runs to end, and ends when they have; the agent decides about everything else. */
  endRuns(reason: string): void {
    const loaded = this.#loaded;
    if (loaded === undefined || loaded.size === 0) process.exit(0);
    loaded.abortAll(reason);
    setInterval(() => {
      if (loaded.size === 0) process.exit(0);
    }, LOOK_FOR_END_MS);
  }

  /** Makes ready what loads the handler. A debugger sets itself up meanwhile. */
  prepare(): TypescriptSupport {
    const { file, inspect } = this.#setup;
    const report = (stamp: FileStamp) => {
      this.#paths.push(stamp.path);
      this.#sender.add({ kind: 'files', files: [stamp] });
    };
    const debugged = inspect ? file : undefined;
    return (this.#typescript ??= registerTypescript(this.#programFolder, report, debugged));
  }

  async load(): Promise<void> {
    const typescript = this.prepare();
    try {
      const module: unknown = await import(pathToFileURL(this.#setup.file).href);
      const handler = handlerModuleOf(module);
      typescript.drain();
      this.#loaded = this.#runsOf(handler);
      this.#sender.add({ kind: 'ready' });
    } catch (thrown) {
      typescript.drain();
      const at = placeOfLoadFailure(thrown, this.#paths, this.#programFolder) ?? null;
      this.#leaveWith({ kind: 'load_failed', error: toWireError(thrown), at });
    }
  }

  /** What a handler prints goes to the log of its job, as far as it can be told which one that is. */
  #runsOf(handler: HandlerModule): HostRuns {
    const current = new AsyncLocalStorage<Run>();
    const runs = new HostRuns(
      handler,
      (message) => this.#sender.add(message),
      (run, call) => current.run(run, call),
    );
    attributeConsole(
      globalThis.console,
      current,
      (run, line) => runs.log(run, line),
      // The Debug Console shows what reaches the console itself.
      this.#setup.inspect,
    );
    return runs;
  }

  #crash(thrown: unknown): void {
    this.#leaveWith({ kind: 'crashed', error: toWireError(thrown) });
  }

  /** Says a last word, and ends when it has left, or soon after. */
  #leaveWith(message: HostMessage): void {
    if (this.#isLeaving) return;
    this.#isLeaving = true;
    this.#sender.flush();
    this.#channel.send([message], () => process.exit(1));
  }
}
