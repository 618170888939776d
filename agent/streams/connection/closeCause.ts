import { displayUrl } from './displayUrl.ts';
import { printable } from './printable.ts';
import type { RetryAfter } from './retryAfter.ts';

/** Why a connection could not be made, or ended. */
export type CloseCause =
  /** The server closed it, or it broke (1006). */
  | { kind: 'close'; code: number; reason: string }
  /** The server answered the upgrade with an HTTP status. */
  | { kind: 'http'; status: number; retryAfter?: RetryAfter | undefined; location?: string }
  /** A socket error: refused, reset, no such host, no WebSocket frame. */
  | { kind: 'error'; message: string }
  /** The address can not be used, or the adapter can not subscribe: trying again changes nothing. */
  | { kind: 'unusable'; message: string };

export interface CloseVerdict {
  /** Whether trying again can help. */
  retry: boolean;
  /** What happened and, when nothing but a person can help, what to do. */
  trouble: string;
  /** Not before that long; 0 when nothing was asked for. */
  atLeastMs: number;
}

/** A server that has too much to do without saying until when is left alone for a moment. */
const BUSY_MS = 1_000;

/** HTTP answers that stay the same however often one asks. */
const FINAL_HTTP_STATUS: Record<number, string> = {
  400: 'it can not make sense of the request. Check the path and the query in "url"',
  401: 'it wants credentials. Put the right ones into "url"',
  402: 'it wants to be paid. Check the account',
  403: 'it forbids this. Check the account and its rights',
  404: 'there is nothing at this path. Correct the path in "url"',
  405: 'nobody can connect at this path. Correct the path in "url"',
  407: 'a proxy wants credentials. Check the proxy',
  410: 'this address is gone for good. Correct "url"',
  426: 'it wants another protocol version. Check with the provider which one',
  451: 'it may not serve this place, by law. Check with the provider',
  501: 'it can not do this. Check with the provider',
};

const MOVED_HTTP_STATUS = new Set([301, 302, 303, 307, 308]);

/** HTTP answers that ask for patience, and what they mean. */
const BUSY_HTTP_STATUS: Record<number, string> = {
  418: 'it keeps this address out for a while, for asking too often',
  429: 'it was asked too often',
  503: 'it can not serve now',
};

/** Close codes by which a server says that the client does something wrong. */
const FINAL_CLOSE_CODE: Record<number, string> = {
  1002: 'it calls what it got a protocol error. Check the adapter and "url"',
  1003: 'it can not take this kind of data. Check the frames of the adapter',
  1007: 'it can not read the text it got. Check the frames of the adapter',
  1008: 'its rules forbid this (credentials, limits, symbols). Check the account and the symbols',
  1009: 'a frame was too big for it. Set "limits.symbolsPerFrame" lower',
  1010: 'it misses an extension of the protocol. Check with the provider which one',
};

/** What the other codes say. Those of an application (4000 to 4999) mean what its provider says. */
const CLOSE_CODE: Record<number, string> = {
  1000: 'it had nothing more to say',
  1001: 'it goes away',
  1005: 'it gave no reason',
  1011: 'it met an error of its own',
  1012: 'it is restarted',
  1013: 'it has too much to do and asks to come again later',
  1014: 'a gateway got no good answer from the server behind it',
};

/** Tells what can be tried again from what only a person can change. */
export function judgeClose(cause: CloseCause): CloseVerdict {
  switch (cause.kind) {
    case 'http':
      return judgeHttp(cause.status, cause.retryAfter, cause.location);
    case 'close':
      return judgeCode(cause.code, printable(cause.reason));
    case 'error':
      return again(cause.message);
    case 'unusable':
      return final(`${cause.message}, then restart the stream.`);
  }
}

function judgeHttp(
  status: number,
  retryAfter: RetryAfter | undefined,
  location: string | undefined,
): CloseVerdict {
  const answered = `The server answered with HTTP ${status}`;
  const what = FINAL_HTTP_STATUS[status];
  if (what !== undefined) return final(`${answered}: ${what}, then resume the stream.`);
  if (MOVED_HTTP_STATUS.has(status)) {
    // Not followed by itself: credentials in "url" are meant for one host.
    const where = location === undefined ? 'elsewhere' : printable(displayUrl(location));
    return final(
      `${answered}: it points to ${where}. Put that into "url", then resume the stream.`,
    );
  }
  const busy = BUSY_HTTP_STATUS[status];
  const said = busy === undefined ? `${answered}.` : `${answered}: ${busy}.`;
  if (retryAfter !== undefined) {
    return again(`${said} It asks to wait until ${retryAfter.until}.`, retryAfter.delayMs);
  }
  return again(said, busy === undefined ? 0 : BUSY_MS);
}

function judgeCode(code: number, reason: string): CloseVerdict {
  if (code === 1006) return again('The connection broke without a goodbye (code 1006).');
  const closed = `The server closed with code ${code}${reason === '' ? '' : ` ("${reason}")`}`;
  const wrong = FINAL_CLOSE_CODE[code];
  if (wrong !== undefined) return final(`${closed}: ${wrong}, then resume the stream.`);
  const meaning = CLOSE_CODE[code];
  const trouble = meaning === undefined ? `${closed}.` : `${closed}: ${meaning}.`;
  return again(trouble, code === 1013 ? BUSY_MS : 0);
}

const again = (trouble: string, atLeastMs = 0): CloseVerdict => ({
  ...{ retry: true, trouble, atLeastMs },
});

const final = (trouble: string): CloseVerdict => ({ retry: false, trouble, atLeastMs: 0 });
