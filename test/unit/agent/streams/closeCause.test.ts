import assert from 'node:assert/strict';
import { judgeClose } from '../../../../agent/streams/connection/closeCause.ts';
import { printable } from '../../../../agent/streams/connection/printable.ts';
import { readRetryAfter } from '../../../../agent/streams/connection/retryAfter.ts';

const http = (status: number) => judgeClose({ kind: 'http', status });
const closed = (code: number, reason = '') => judgeClose({ kind: 'close', code, reason });

describe('the end of a connection', () => {
  it('is tried again after a polite end, a break and what an application says', () => {
    for (const code of [1000, 1001, 1005, 1006, 1011, 1012, 1013, 1014, 4000, 4999]) {
      assert.ok(closed(code).retry, String(code));
    }
    assert.match(closed(4001, 'token expired').trouble, /code 4001 \("token expired"\)/);
    assert.match(closed(1012).trouble, /code 1012: it is restarted\.$/);
    assert.ok(closed(1013).atLeastMs >= 1_000);
  });

  it('waits for a person when the server says that the client is wrong', () => {
    for (const code of [1002, 1003, 1007, 1008, 1009, 1010]) {
      const { retry, trouble } = closed(code, 'no');
      assert.equal(retry, false);
      assert.match(
        trouble,
        /^The server closed with code \d+ \("no"\): .+, then resume the stream\.$/,
      );
    }
    for (const status of [400, 401, 402, 403, 404, 405, 407, 410, 426, 451, 501]) {
      assert.equal(http(status).retry, false);
      assert.match(http(status).trouble, /HTTP \d+: .+, then resume the stream\.$/);
    }
    const unusable = judgeClose({ kind: 'unusable', message: 'Wrong. Correct it' });
    assert.deepEqual(
      [unusable.retry, unusable.trouble],
      [false, 'Wrong. Correct it, then restart the stream.'],
    );
  });

  it('does not follow to another address, and names it without its secrets', () => {
    const location = 'wss://u:p@other.example.com/ticks?token=secret';
    const { retry, trouble } = judgeClose({ kind: 'http', status: 301, location });
    assert.equal(retry, false);
    assert.match(trouble, /points to wss:\/\/other\.example\.com\/ticks\. Put that into "url"/);
    assert.match(http(302).trouble, /points to elsewhere/);
  });

  it('is patient with a server that has too much to do', () => {
    for (const status of [418, 429, 503]) {
      assert.ok(http(status).retry);
      assert.ok(http(status).atLeastMs >= 1_000);
    }
    assert.deepEqual([http(500).retry, http(500).atLeastMs], [true, 0]);
    const retryAfter = readRetryAfter('120', Date.UTC(2026, 0, 31, 9, 0));
    const { trouble, atLeastMs } = judgeClose({ kind: 'http', status: 429, retryAfter });
    assert.equal(atLeastMs, 120_000);
    assert.match(trouble, /asked too often\. It asks to wait until 2026-01-31T09:02:00\.000Z\.$/);
  });
});

describe('Retry-After', () => {
  const now = Date.UTC(1994, 10, 6, 8, 49, 7);

  it('is seconds or a date in one of the three forms of HTTP', () => {
    const dates = [
      'Sun, 06 Nov 1994 08:49:37 GMT',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Sun Nov  6 08:49:37 1994',
    ];
    for (const text of ['30', ' 30 ', ...dates]) {
      assert.deepEqual(
        readRetryAfter(text, now),
        { delayMs: 30_000, until: '1994-11-06T08:49:37.000Z' },
        text,
      );
    }
  });

  it('is never in the past, never longer than a timer lasts, and never guessed', () => {
    assert.equal(readRetryAfter('Sun, 06 Nov 1994 08:00:00 GMT', now)?.delayMs, 0);
    assert.equal(readRetryAfter('99999999999999999999', now)?.delayMs, 7 * 86_400_000);
    for (const text of [undefined, '', '-5', '1.5', 'soon', 'Sun, no date', 'tomorrow']) {
      assert.equal(readRetryAfter(text, now), undefined, text);
    }
  });
});

describe('what others said', () => {
  it('fits into a line of a terminal', () => {
    assert.equal(printable('a\u001B[2Jb\r\nc\u202Ed'), 'a [2Jb c d');
    assert.equal(printable('x'.repeat(300)).length, 201);
    assert.equal(printable('Grüße, 世界'), 'Grüße, 世界');
  });
});
