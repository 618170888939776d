import * as inspector from 'node:inspector';
import { parentPort } from 'node:worker_threads';
import { HostProgram, type AgentChannel } from './hostProgram.ts';
import type { HostArguments } from './hostProtocol.ts';

/** Runs handlers in a thread of the agent: it lives and stands still with it, and has no signals. */
export function runInThread(setup: HostArguments, programFolder: string): void {
  const port = parentPort;
  if (port === null) throw new Error('this is no worker thread');
  const post = port.postMessage.bind(port);
  const channel: AgentChannel = {
    send: (batch, sent) => {
      post(batch);
      sent?.();
    },
  };
  const program = new HostProgram(setup, programFolder, channel, ({ kind }) => {
    if (kind !== 'wait_for_debugger') return;
    // What waits stops this thread: its message is on its way already, unlike in a process.
    channel.send([{ kind: 'debuggable' }]);
    inspector.waitForDebugger();
    void program.load();
  });
  port.on('message', (received: unknown) => program.receive(received));
  port.on('close', () => process.exit(0));
  if (setup.inspect) program.prepare();
  else void program.load();
}
