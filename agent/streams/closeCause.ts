/** Why a connection could not be made, or ended. */
export type CloseCause =
  /** The server closed it, or it broke (1006). */
  | { kind: 'close'; code: number; reason: string }
  /** The server answered the upgrade with an HTTP status. */
  | { kind: 'http'; status: number }
  /** A socket error: refused, reset, no such host. */
  | { kind: 'error'; message: string }
  /** The address can not be used, or the adapter can not subscribe: trying again changes nothing. */
  | { kind: 'unusable'; message: string };

export interface CloseVerdict {
  /** Whether trying again can help. */
  retry: boolean;
  /** What happened and, when nothing but a person can help, what to do. */
  trouble: string;
}

/** HTTP answers that stay the same however often one asks. */
const FINAL_HTTP_STATUS: Record<number, string> = {
  401: 'it wants credentials. Put the right ones into "url"',
  403: 'it forbids this. Check the account and its rights',
  404: 'there is nothing at this path. Correct the path in "url"',
  410: 'this address is gone for good. Correct "url"',
  426: 'it wants another protocol version. Check with the provider which one',
};

/** Close codes by which a server says that the client does something wrong. */
const FINAL_CLOSE_CODE: Record<number, string> = {
  1002: 'it calls what it got a protocol error. Check the adapter and "url"',
  1003: 'it can not take this kind of data. Check the frames of the adapter',
  1008: 'its rules forbid this (credentials, limits, symbols). Check the account and the symbols',
};

/** Tells what can be tried again from what only a person can change. */
export function judgeClose(cause: CloseCause): CloseVerdict {
  switch (cause.kind) {
    case 'http': {
      const what = FINAL_HTTP_STATUS[cause.status];
      if (what === undefined) return again(`The server answered with HTTP ${cause.status}.`);
      return final(`The server answered with HTTP ${cause.status}: ${what}`);
    }
    case 'close': {
      const said = cause.reason === '' ? '' : ` ("${cause.reason}")`;
      const what = FINAL_CLOSE_CODE[cause.code];
      if (what !== undefined) {
        return final(`The server closed with code ${cause.code}${said}: ${what}`);
      }
      if (cause.code === 1006) return again('The connection broke without a goodbye (code 1006).');
      return again(`The server closed with code ${cause.code}${said}.`);
    }
    case 'error':
      return again(cause.message);
    case 'unusable':
      return final(cause.message);
  }
}

const again = (trouble: string): CloseVerdict => ({ retry: true, trouble });

const final = (what: string): CloseVerdict => ({
  retry: false,
  trouble: `${what}, then restart the stream.`,
});
