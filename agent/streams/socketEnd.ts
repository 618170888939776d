import { WebSocket } from 'ws';
import type { Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Frame } from './adapter.ts';
import { displayUrl } from './displayUrl.ts';

/** How long a server may take to answer a goodbye. */
const GOODBYE_MS = 500;

const noop = () => undefined;

/**
 * Ends a socket that nobody listens to any more. A server that does not answer the goodbye is not
 * waited for: a close handshake with a dead peer can hang for minutes.
 */
export function endSocket(
  socket: WebSocket,
  goodbye: readonly Frame[],
  politely: boolean,
  clock: Clock,
): void {
  socket.removeAllListeners();
  // Without a listener a late error would end the whole agent.
  socket.on('error', noop);
  if (!politely || socket.readyState !== WebSocket.OPEN) {
    socket.terminate();
    return;
  }
  for (const frame of goodbye) socket.send(frame, noop);
  socket.close(1000);
  const timer = clock.setTimeout(() => socket.terminate(), GOODBYE_MS);
  socket.on('close', () => timer.cancel());
}

const EXPLAINED: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens there',
  ECONNRESET: 'The other side cut the connection',
  ENOTFOUND: 'There is no host of this name',
  EAI_AGAIN: 'The host name can not be looked up now',
  ETIMEDOUT: 'No answer from there',
  EHOSTUNREACH: 'No way leads to this host',
  ENETUNREACH: 'No way leads to this network',
};

/** A socket error in words, with the address and the code. */
export function explainSocketError(error: Error, url: string): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const where = displayUrl(url);
  if (code === undefined) return `${where}: ${messageOf(error)}.`;
  return `${EXPLAINED[code] ?? messageOf(error)}: ${where} (${code}).`;
}
