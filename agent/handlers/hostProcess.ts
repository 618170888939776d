import * as inspector from 'node:inspector';
import { HostProgram, type AgentChannel } from './hostProgram.ts';
import type { HostArguments, HostMessage } from './hostProtocol.ts';
import { startWatchdog } from './watchdog.ts';

/** Runs handlers in a process of their own, which ends with its agent. */
export function runInProcess(setup: HostArguments, programFolder: string): void {
  const channel = channelToAgent();
  // A debugger is told the end by Node's own way; the agent ends what does not come to it.
  if (!setup.inspect)
    Reflect.set(process, 'reallyExit', (code: unknown) => endAtOnce(channel, code));
  const program = new HostProgram(setup, programFolder, channel, ({ kind }) => {
    if (kind === 'close_inspector') inspector.close();
  });
  process.title = `interlock-handler ${setup.jobType}`;
  process.on('message', (received) => program.receive(received));
  process.on('disconnect', () => process.exit(0));
  // Ctrl+C in a terminal reaches the whole group: the agent lets the runs finish.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => program.endRuns('the handler process was asked to end (SIGTERM)'));
  startWatchdog(programFolder, setup.silenceMs);
  void (setup.inspect
    ? waitForDebugger(channel, program).then(() => program.load())
    : program.load());
}

/** Made before the handler's code is loaded, as that may replace `process.send`. */
function channelToAgent(): AgentChannel {
  const send = process.send?.bind(process);
  return {
    send: (batch, sent = () => undefined) => {
      if (process.connected && send !== undefined) send(batch, undefined, undefined, sent);
      else sent();
    },
  };
}

/**
 * Ends this process when all listeners of its end have run. Node's own way waits for V8's threads, and
 * was seen to wait for ever, with the watchdog stopped already.
 */
function endAtOnce(channel: AgentChannel, code: unknown): void {
  channel.send([{ kind: 'exiting', code: Number(code ?? 0) }]);
  process.kill(process.pid, 'SIGKILL');
}

/**
 * Waits on a port that the system picks until a debugger has set itself up. While one is asked for, what
 * loads the handler is made ready; the address is told after that, for what a debugger says to a
 * process that does not wait yet is lost.
 */
async function waitForDebugger(channel: AgentChannel, program: HostProgram): Promise<void> {
  const tell = (message: HostMessage) =>
    new Promise<void>((resolve) => channel.send([message], resolve));
  await tell({ kind: 'debuggable' });
  program.prepare();
  inspector.open(0, '127.0.0.1');
  // What waits stops the whole event loop: the address has to have left before.
  await tell({ kind: 'inspector', url: inspector.url() ?? '' });
  inspector.waitForDebugger();
}
