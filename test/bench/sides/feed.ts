// A feed that sends as fast as it can: so many numbered ticks to whoever subscribes.
// Argument: how many. Says its port to its parent.
import { WebSocketServer, type WebSocket } from 'ws';

const count = Number(process.argv[2]);

/** One symbol's ticks in the order of their numbers, as the JSON default adapter reads them. */
const frames = Array.from({ length: count }, (_, n) =>
  Buffer.from(JSON.stringify({ symbol: 'A', price: 100 + (n % 50) / 10, seq: n + 1, ts: n })),
);
const CHUNK = 500;
const MAX_BUFFERED_BYTES = 1_000_000;

function send(socket: WebSocket, from: number): void {
  if (socket.readyState !== socket.OPEN) return;
  let next = from;
  if (socket.bufferedAmount < MAX_BUFFERED_BYTES) {
    const end = Math.min(next + CHUNK, count);
    for (; next < end; next += 1) socket.send(frames[next] ?? '', { binary: false });
  }
  if (next < count) setImmediate(send, socket, next);
}

const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
server.on('connection', (socket) => {
  socket.on('error', () => undefined);
  socket.once('message', () => send(socket, 0));
});
server.on('listening', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) process.send?.({ port: address.port });
});
process.on('disconnect', () => process.exit(0));
