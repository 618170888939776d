// A thread of the handler process that ends the process when its agent is gone or frozen. It is a
// thread of its own because a handler may block the event loop of the main one for ever.
import { Socket } from 'node:net';
import { workerData } from 'node:worker_threads';
import * as z from 'zod/mini';
import { systemClock } from '../common/clock.ts';

/** The main thread gets that long to leave by itself once the agent is gone. */
const LEAVE_GRACE_MS = 200;

const { fd, silenceMs } = z
  .object({ fd: z.number(), silenceMs: z.number() })
  .parse(workerData satisfies unknown);

let lastHeardMs = systemClock.monotonic();

const endProcess = () => process.kill(process.pid, 'SIGKILL');

const endIfSilent = () => {
  if (systemClock.monotonic() - lastHeardMs > silenceMs) endProcess();
};

const lifeline = new Socket({ fd, readable: true, writable: false });
lifeline.on('data', () => {
  lastHeardMs = systemClock.monotonic();
});
lifeline.on('error', () => undefined);
lifeline.on('close', () => setTimeout(endProcess, LEAVE_GRACE_MS));

// After a stop of this process (SIGSTOP, sleep of the machine) the timer fires before what the
// agent sent meanwhile is read: look again after one more turn of the event loop.
setInterval(() => setImmediate(() => setImmediate(endIfSilent)), Math.max(10, silenceMs / 8));
