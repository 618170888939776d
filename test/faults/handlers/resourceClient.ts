import { connect } from 'node:net';
import { createInterface } from 'node:readline';

/** The handler process's connection to the resource. Answers are lines: number of the call, 1 or 0. */
export function connectResource(port: number): (effect: object) => Promise<boolean> {
  const waiting = new Map<number, (accepted: boolean) => void>();
  let lastCall = 0;
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  // Without the resource there is nothing to test any more.
  socket.once('error', () => process.exit(1));
  createInterface({ input: socket }).on('line', (line) => {
    const [call = 0, accepted = 0] = line.split(' ').map(Number);
    waiting.get(call)?.(accepted === 1);
    waiting.delete(call);
  });
  return (effect) =>
    new Promise((resolve) => {
      lastCall += 1;
      waiting.set(lastCall, resolve);
      socket.write(`${JSON.stringify({ ...effect, call: lastCall })}\n`);
    });
}
