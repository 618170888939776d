// The program of a handler process: loads one handler file and runs many jobs with it at one time.
import { AsyncLocalStorage } from 'node:async_hooks';
import * as inspector from 'node:inspector';
import { pathToFileURL } from 'node:url';
import { attributeConsole } from './attributedConsole.ts';
import { BatchSender } from './batchSender.ts';
import { handlerModuleOf, type HandlerModule } from './handlerModule.ts';
import {
  agentMessage,
  hostArguments,
  parseBatch,
  type FileStamp,
  type HostMessage,
} from './hostProtocol.ts';
import { HostRuns, type Run } from './hostRuns.ts';
import { placeOfLoadFailure } from './loadFailure.ts';
import { registerTypescript } from './registerTypescript.ts';
import { startWatchdog } from './watchdog.ts';
import { toWireError } from './wireErrors.ts';

/** The build puts this program, the hooks, the watchdog and amaro into one folder. */
const programFolder = __dirname;

const [, jobType, file, silenceMs, mode] = hostArguments.parse(process.argv.slice(2));

// Kept before the handler's code is loaded, as that may replace it.
const sendToAgent = process.send?.bind(process);

let loaded: HostRuns | undefined;
let isLeaving = false;

const sender = new BatchSender<HostMessage>((batch) => {
  if (process.connected) sendToAgent?.(batch, undefined, undefined, () => undefined);
});

/** Says a last word, and ends the process when it has left, or soon after. */
function leaveWith(message: HostMessage): void {
  if (isLeaving) return;
  isLeaving = true;
  sender.flush();
  const leave = () => process.exit(1);
  if (!process.connected || sendToAgent === undefined) leave();
  sendToAgent?.([message], undefined, undefined, leave);
}

function receive(received: unknown): void {
  for (const message of parseBatch(agentMessage, received).messages) {
    if (message.kind === 'stop') process.exit(0);
    else if (message.kind === 'close_inspector') inspector.close();
    else loaded?.handle(message);
  }
}

/** SIGTERM asks the runs to end; the agent decides about everything else. */
function endRuns(): void {
  if (loaded === undefined || loaded.size === 0) process.exit(0);
  loaded.abortAll('the handler process was asked to end (SIGTERM)');
  setInterval(() => {
    if (loaded?.size === 0) process.exit(0);
  }, 10);
}

async function load(): Promise<void> {
  const paths: string[] = [];
  const report = (stamp: FileStamp) => {
    paths.push(stamp.path);
    sender.add({ kind: 'files', files: [stamp] });
  };
  const typescript = registerTypescript(programFolder, report, mode === 'inspect');
  try {
    const module: unknown = await import(pathToFileURL(file).href);
    const handler = handlerModuleOf(module);
    typescript.drain();
    loaded = hostRuns(handler);
    sender.add({ kind: 'ready' });
  } catch (thrown) {
    typescript.drain();
    const at = placeOfLoadFailure(thrown, paths, programFolder) ?? null;
    leaveWith({ kind: 'load_failed', error: toWireError(thrown), at });
  }
}

/** What a handler prints goes to the log of its job, as far as it can be told which one that is. */
function hostRuns(handler: HandlerModule): HostRuns {
  const current = new AsyncLocalStorage<Run>();
  const runs = new HostRuns(
    handler,
    (message) => sender.add(message),
    (run, call) => current.run(run, call),
  );
  attributeConsole(
    globalThis.console,
    current,
    (run, line) => runs.log(run, line),
    // The Debug Console shows what reaches the console itself.
    mode === 'inspect',
  );
  return runs;
}

/**
 * Ends this process when all listeners of its end have run. Node's own way waits for V8's threads, and
 * was seen to wait for ever, with the watchdog stopped already.
 */
function endAtOnce(code: unknown): void {
  if (process.connected) sendToAgent?.([{ kind: 'exiting', code: Number(code ?? 0) }]);
  process.kill(process.pid, 'SIGKILL');
}

// A debugger is told the end by Node's own way; the agent ends what does not come to it.
if (mode === 'plain') Reflect.set(process, 'reallyExit', endAtOnce);

/** Opens an inspector on a port that the system picks, and waits until a debugger has set itself up. */
function waitForDebugger(): Promise<void> {
  inspector.open(0, '127.0.0.1');
  const message: HostMessage = { kind: 'inspector', url: inspector.url() ?? '' };
  return new Promise((resolve) => {
    // What waits stops the whole event loop: the address has to have left before.
    const wait = () => {
      inspector.waitForDebugger();
      resolve();
    };
    sendToAgent?.([message], undefined, undefined, wait);
  });
}

process.title = `interlock-handler ${jobType}`;
process.on('message', receive);
process.on('disconnect', () => process.exit(0));
// Ctrl+C in a terminal reaches the whole group: the agent lets the runs finish.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', endRuns);
process.on('uncaughtException', (thrown) =>
  leaveWith({ kind: 'crashed', error: toWireError(thrown) }),
);
process.on('unhandledRejection', (thrown) =>
  leaveWith({ kind: 'crashed', error: toWireError(thrown) }),
);
startWatchdog(programFolder, silenceMs);
void (mode === 'inspect' ? waitForDebugger().then(load) : load());
