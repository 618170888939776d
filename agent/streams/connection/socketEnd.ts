import { WebSocket } from 'ws';
import type { Clock } from '../../common/clock.ts';
import { messageOf } from '../../common/errors.ts';
import type { Frame } from '../adapters/adapter.ts';
import { displayUrl } from './displayUrl.ts';
import { printable } from './printable.ts';

/** How long a server may take to answer a goodbye. */
const GOODBYE_MS = 500;
/** By then a socket that was cut is gone, whatever became of its events. */
const GONE_BY_MS = 2_000;

const noop = () => undefined;

export interface SocketEnding {
  /** null: it is cut at once. Else what is said before the goodbye. */
  goodbye: readonly Frame[] | null;
  clock: Clock;
  /** Called once, when the socket is closed. */
  onEnded: () => void;
}

/**
 * Ends a socket that nobody listens to any more. A server that does not answer the goodbye is not
 * waited for: a close handshake with a dead peer can hang for minutes.
 */
export function endSocket(socket: WebSocket, { goodbye, clock, onEnded }: SocketEnding): void {
  socket.removeAllListeners();
  // Without a listener a late error would end the whole agent.
  socket.on('error', noop);
  if (socket.readyState === WebSocket.CLOSED) {
    onEnded();
    return;
  }
  const lateEnd = clock.setTimeout(onEnded, GONE_BY_MS);
  const cutTimer = clock.setTimeout(() => socket.terminate(), GOODBYE_MS);
  socket.on('close', () => {
    lateEnd.cancel();
    cutTimer.cancel();
    onEnded();
  });
  if (goodbye === null || socket.readyState !== WebSocket.OPEN) {
    socket.terminate();
    return;
  }
  for (const frame of goodbye) socket.send(frame, noop);
  socket.close(1000);
}

const UNKNOWN_AUTHORITY =
  'Nobody known signed the certificate of the server. Set "tls.caFile" of the stream to the certificate of the authority that did';

const EXPLAINED: Record<string, string> = {
  ECONNREFUSED: 'Nothing listens there',
  ECONNRESET: 'The other side cut the connection',
  ENOTFOUND: 'There is no host of this name',
  EAI_AGAIN: 'The host name can not be looked up now',
  ETIMEDOUT: 'No answer from there',
  EHOSTUNREACH: 'No way leads to this host',
  ENETUNREACH: 'No way leads to this network',
  EMFILE: 'This process has too many open files: raise the limit ("ulimit -n")',
  CERT_HAS_EXPIRED: 'The certificate of the server has expired',
  DEPTH_ZERO_SELF_SIGNED_CERT: UNKNOWN_AUTHORITY,
  SELF_SIGNED_CERT_IN_CHAIN: UNKNOWN_AUTHORITY,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: UNKNOWN_AUTHORITY,
  ERR_TLS_CERT_ALTNAME_INVALID: 'The certificate of the server is for another host',
  EPROTO: 'No TLS is spoken there. Use "ws://" in "url" if that is meant',
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH:
    'The server sent a frame of more than 16 MB, which is not taken. Set "symbolsPerConnection" lower, or ask the provider for smaller frames',
  WS_ERR_TOO_MANY_BUFFERED_PARTS:
    'The server sent a frame in too many pieces, which is not taken. Ask the provider for whole frames',
  WS_ERR_INVALID_UTF8:
    'The server sent text that is not UTF-8. Ask the provider which encoding it uses',
};

const NO_FRAME = 'The server sent what is no WebSocket frame. Check that "url" is a WebSocket feed';
const NO_HTTP = 'The server sent what is no HTTP answer. Check that "url" is a WebSocket feed';

const TLS_REFUSED =
  'The server does not take this client. When it wants a certificate, set "tls.certFile" and "tls.keyFile" of the stream';

/** A socket error in words, with the address and the code. */
export function explainSocketError(error: Error, url: string): string {
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  const where = displayUrl(url);
  if (code === undefined) return `${where}: ${printable(messageOf(error))}.`;
  return `${explain(code) ?? printable(messageOf(error))}: ${where} (${code}).`;
}

function explain(code: string): string | undefined {
  const known = EXPLAINED[code];
  if (known !== undefined) return known;
  if (code.startsWith('WS_ERR_')) return NO_FRAME;
  if (/^ERR_SSL_.*_ALERT_/.test(code)) return TLS_REFUSED;
  return code.startsWith('HPE_') ? NO_HTTP : undefined;
}
