import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import { WebSocket } from 'ws';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { TlsCredentials } from '../../config/tlsFiles.ts';
import type { CloseCause } from './closeCause.ts';
import { readRetryAfter } from './retryAfter.ts';
import { explainSocketError } from './socketEnd.ts';

/** More than any feed sends in one frame; a bigger one ends the connection. */
export const MAX_FRAME_BYTES = 16 * 1024 * 1024;

/** A server that said goodbye and leaves the line open is not waited for. */
const CLOSE_TIMEOUT_MS = 500;

const SOCKET_OPTIONS = {
  // Small frames gain nothing by it, and each socket would keep an inflater of its own in memory.
  perMessageDeflate: false,
  maxPayload: MAX_FRAME_BYTES,
  closeTimeout: CLOSE_TIMEOUT_MS,
  // Answered by the sender, which counts pongs into the rate of messages.
  autoPong: false,
  // All frames of a chunk in one turn: one at a time costs a turn of the event loop per message.
  allowSynchronousEvents: true,
  // Checked, as the protocol demands: broken text would become ticks of symbols that do not exist.
  skipUTF8Validation: false,
};

export interface SocketListener {
  onOpen(): void;
  /** Something came in, whole frame or not; before what is made of it. */
  onBytes(): void;
  onMessage(data: Buffer, isBinary: boolean): void;
  onPing(data: Buffer): void;
  onPong(data: Buffer): void;
  /** It could not be opened, or it ended. May be called more than once. */
  onGone(cause: CloseCause): void;
}

/**
 * Begins a WebSocket connection.
 * @param tls in place of the authorities that everybody knows
 * @throws SyntaxError when the address is none
 */
export function openSocket(
  url: string,
  listener: SocketListener,
  clock: Clock,
  tls: TlsCredentials = {},
): WebSocket {
  const socket = new WebSocket(url, { ...SOCKET_OPTIONS, ...tls });
  let stream: Socket | undefined;
  socket.on('upgrade', (response) => (stream = response.socket));
  socket.on('open', () => {
    // Not before ws listens, or it would miss what came with the upgrade; but ahead of it.
    stream?.prependListener('data', () => listener.onBytes());
    listener.onOpen();
  });
  socket.on('message', (data, isBinary) => {
    if (Buffer.isBuffer(data)) listener.onMessage(data, isBinary);
  });
  socket.on('ping', (data) => listener.onPing(data));
  socket.on('pong', (data) => listener.onPong(data));
  socket.on('unexpected-response', (_request, answer) =>
    listener.onGone(httpCause(answer, url, clock.now())),
  );
  // Not left to the close that follows: after a broken frame ws waits for the server's goodbye.
  socket.on('error', (error) =>
    listener.onGone({ kind: 'error', message: explainSocketError(error, url) }),
  );
  socket.on('close', (code, reason) =>
    listener.onGone({ kind: 'close', code, reason: reason.toString('utf8') }),
  );
  return socket;
}

/** The cause when `openSocket` throws. */
export function unusableAddress(thrown: unknown): CloseCause {
  return { kind: 'unusable', message: `${messageOf(thrown)}. Correct "url"` };
}

function httpCause(answer: IncomingMessage, url: string, nowMs: number): CloseCause {
  const { statusCode = 0, headers } = answer;
  const location = absoluteUrl(headers.location, url);
  return {
    ...{ kind: 'http', status: statusCode },
    retryAfter: readRetryAfter(headers['retry-after'], nowMs),
    ...(location === undefined ? {} : { location }),
  };
}

function absoluteUrl(location: string | undefined, base: string): string | undefined {
  if (location === undefined) return undefined;
  try {
    return new URL(location, base).href;
  } catch {
    return location;
  }
}
