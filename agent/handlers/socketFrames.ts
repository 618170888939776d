import type { RawData, WebSocket } from 'ws';
import type { Clock } from '../common/clock.ts';

/** Scripts and heap values go through whole. */
export const MAX_FRAME_BYTES = 256 * 1_024 * 1_024;

/** A socket that was told to close and is still there. */
const CLOSE_WITHIN_MS = 500;

/** In order, when the other side answers; a process that ends does not. */
export function closeSoon(socket: WebSocket, clock: Clock): void {
  socket.close();
  clock.setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS);
}

/** What arrived at a socket, as text. */
export function frameOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return (Buffer.isBuffer(data) ? data : Buffer.from(new Uint8Array(data))).toString('utf8');
}
