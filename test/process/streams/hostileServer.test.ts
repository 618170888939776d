import assert from 'node:assert/strict';
import { WebSocketServer } from 'ws';
import type { ConnectionOptions } from '../../../agent/streams/connection/connection.ts';
import type { ConnectionTimings } from '../../../agent/streams/connection/connectionTimings.ts';
import { eventually } from '../../harness/eventually.ts';
import { SHORT_TIMINGS, WatchedConnection } from './connectionHarness.ts';
import { encodeFrame, HostileServer, type HostilePeer } from './hostileServer.ts';

const TICK = '{"symbol":"a","price":1}';
const MEGABYTE = 1024 * 1024;
/** What a connection may leave behind after hundreds of megabytes; the test's own share included. */
const MEMORY_BOUND_BYTES = 200 * MEGABYTE;

/** Each case has a good connection beside the bad one: nothing of it may reach the good one. */
describe('a server that misbehaves', function () {
  let closers: (() => unknown)[] = [];
  let neighbour: WatchedConnection;
  let goodServer: WebSocketServer;

  before(async () => {
    goodServer = new WebSocketServer({ host: '127.0.0.1', port: 0 });
    goodServer.on('connection', (socket) => {
      const timer = setInterval(() => socket.send(TICK), 100);
      socket.on('close', () => clearInterval(timer));
    });
    await new Promise((resolve) => goodServer.once('listening', resolve));
    const address = goodServer.address();
    assert.ok(typeof address === 'object' && address !== null);
    // Every-day timings: on a busy machine only trouble that spreads makes it fail.
    neighbour = new WatchedConnection(`ws://127.0.0.1:${address.port}`, {
      timings: {
        ...{ connectTimeoutMs: 5_000, pingAfterSilenceMs: 5_000 },
        ...{ answerWithinMs: 4_000, stableAfterMs: 10_000 },
      },
    });
    await eventually('the good one', () => neighbour.state === 'live');
  });
  afterEach(async () => {
    for (const close of closers.reverse()) await close();
    closers = [];
    const before = neighbour.ticks.length;
    await eventually('more ticks of the good one', () => neighbour.ticks.length > before);
    const { state, errors, reconnectAttempts, trouble } = neighbour.connection.row();
    assert.deepEqual([state, errors, reconnectAttempts, trouble], ['live', 0, 0, null]);
  });
  after(() => {
    neighbour.connection.stop(false);
    for (const socket of goodServer.clients) socket.terminate();
    goodServer.close();
  });

  const serve = async (behave: ((peer: HostilePeer) => void) | null) => {
    const server = await HostileServer.start(behave);
    closers.push(() => server.close());
    return server;
  };
  const connect = (url: string, options: Partial<ConnectionOptions> = {}) => {
    const watched = new WatchedConnection(url, options);
    closers.push(() => watched.connection.stop(false));
    return watched;
  };
  /** How a connection to a server that does this fails. */
  const failure = async (
    behave: ((peer: HostilePeer) => void) | null,
    timings: ConnectionTimings = SHORT_TIMINGS,
  ) => {
    const server = await serve(behave);
    const watched = connect(server.url, { timings });
    const { state, trouble } = await eventually('the failure', () => watched.firstFailure);
    return { server, watched, state, trouble: trouble ?? '' };
  };
  const upgraded = (then: (peer: HostilePeer) => void) => (peer: HostilePeer) => {
    peer.upgrade();
    then(peer);
  };

  it('takes the connection and says nothing', async () => {
    const { state, trouble, server } = await failure(null);
    assert.deepEqual([state, trouble], ['backing_off', 'No connection within 1 s.']);
    await eventually('at most one socket', () => server.openSockets <= 1);
  });

  it('begins to answer the upgrade, then hangs', async () => {
    const { state, trouble } = await failure((peer) => {
      peer.socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: webso');
    });
    assert.deepEqual([state, trouble], ['backing_off', 'No connection within 1 s.']);
  });

  it('upgrades and says nothing', async () => {
    const { state, trouble, watched } = await failure(
      upgraded((peer) => {
        peer.answersPings = false;
      }),
    );
    assert.equal(state, 'backing_off');
    assert.match(trouble, /^No frame for \d+(\.\d)? s, not even an answer to a ping\.$/);
    const states = watched.history.map((entry) => entry.state);
    assert.ok(
      states.includes('subscribing') && states.includes('stale') && !states.includes('live'),
    );
  });

  it('stops answering pings, as a dead one does', async () => {
    const server = await serve((peer) => peer.upgrade());
    const { connection } = connect(server.url);
    await eventually('live', () => connection.row().state === 'live');
    const [peer] = server.peers;
    assert.ok(peer !== undefined);
    peer.answersPings = false;
    await eventually('stale', () => connection.row().state === 'stale');
    await eventually('a new socket', () => server.peers.length === 2);
    await eventually('live again', () => connection.row().state === 'live');
  });

  it('never answers pings but sends ticks, which is enough to be live', async () => {
    const server = await serve(
      upgraded((peer) => {
        peer.answersPings = false;
        const timer = setInterval(() => peer.frame('text', TICK), 20);
        peer.socket.on('close', () => clearInterval(timer));
      }),
    );
    const watched = connect(server.url);
    await eventually('live', () => watched.state === 'live');
    await eventually('stable', () => watched.ticks.length > 50);
    assert.equal(watched.firstFailure, undefined);
  });

  for (const code of [1000, 1001, 1011, 1012, 1013, 1014, 3000, 4000, 4999]) {
    it(`closes with ${code}, and is asked again`, async () => {
      const { state, trouble } = await failure(upgraded((peer) => peer.frame('close', code)));
      assert.equal(state, 'backing_off');
      assert.match(trouble, new RegExp(`^The server closed with code ${code}(: .+)?\\.$`));
    });
  }

  for (const code of [1002, 1003, 1007, 1008, 1009, 1010]) {
    it(`closes with ${code}, and waits for a person`, async () => {
      const { state, trouble } = await failure(upgraded((peer) => peer.frame('close', code)));
      assert.equal(state, 'suspended');
      assert.match(trouble, new RegExp(`code ${code}: .+, then resume the stream\\.$`));
    });
  }

  it('closes without a code, cuts the line, or closes with a code that nobody may send', async () => {
    const none = await failure(upgraded((peer) => peer.frame('close')));
    assert.match(none.trouble, /code 1005: it gave no reason\.$/);
    const cut = await failure(upgraded((peer) => peer.socket.destroy()));
    assert.match(cut.trouble, /broke without a goodbye \(code 1006\)|ECONNRESET/);
    for (const code of [1004, 1005, 1006, 1015, 999, 5000]) {
      const wrong = await failure(upgraded((peer) => peer.frame('close', code)));
      assert.equal(wrong.state, 'backing_off');
      assert.match(wrong.trouble, /sent what is no WebSocket frame\..*WS_ERR_INVALID_CLOSE_CODE/);
    }
  });

  it('gives a reason that would spoil a terminal', async () => {
    const reason = Buffer.concat([Buffer.from([15, 160]), Buffer.from('\u001B[2Jtoken\nexpired')]);
    const { trouble } = await failure(upgraded((peer) => peer.frame('close', reason)));
    assert.equal(trouble, 'The server closed with code 4000 ("[2Jtoken expired").');
  });

  it('goes on sending after its goodbye, and leaves the line open', async () => {
    const { watched, trouble, server } = await failure(
      upgraded((peer) => {
        peer.socket.allowHalfOpen = true;
        peer.frame('text', TICK);
        peer.frame('close', 1000);
        for (let index = 0; index < 1_000; index += 1) peer.frame('text', TICK);
      }),
    );
    assert.match(trouble, /code 1000/);
    assert.equal(watched.ticks.length, server.peers.length, 'one tick per socket');
  });

  it('sends garbage instead of HTTP, or an upgrade of another protocol', async () => {
    const garbage = await failure((peer) => peer.socket.end('\u0000\u0001 nonsense\r\n\r\n'));
    assert.match(garbage.trouble, /no HTTP answer\. Check that "url" is a WebSocket feed.*HPE_/);
    const other = await failure((peer) => {
      peer.socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
          'Sec-WebSocket-Accept: wrong\r\n\r\n',
      );
    });
    assert.match(other.trouble, /Invalid Sec-WebSocket-Accept header/);
    assert.deepEqual([garbage.state, other.state], ['backing_off', 'backing_off']);
  });

  it('sends garbage instead of frames', async () => {
    const broken: [Buffer, RegExp][] = [
      [Buffer.from('hello, this is no frame at all'), /no WebSocket frame\..*WS_ERR_/],
      [
        Buffer.from([0x81, 0x85, 1, 2, 3, 4, 5, 6, 7, 8, 9]),
        /no WebSocket frame\..*UNEXPECTED_MASK/,
      ],
      [encodeFrame('continuation', 'x'), /no WebSocket frame\..*INVALID_OPCODE/],
      [encodeFrame('text', Buffer.from([0xff, 0xfe])), /not UTF-8\..*WS_ERR_INVALID_UTF8/],
      [encodeFrame('ping', 'x'.repeat(200)), /no WebSocket frame/],
    ];
    for (const [bytes, expected] of broken) {
      const { state, trouble } = await failure(upgraded((peer) => void peer.socket.write(bytes)));
      assert.equal(state, 'backing_off');
      assert.match(trouble, expected);
    }
  });

  it('sends text and bytes that are no ticks, and stays live', async () => {
    const server = await serve(
      upgraded((peer) => {
        for (const text of ['nonsense', '', '\u0000\u001B[31m', '{"symbol":1}'])
          peer.frame('text', text);
        peer.frame('binary', Buffer.from([0, 1, 2, 250, 255]));
        peer.frame('text', TICK);
      }),
    );
    const watched = connect(server.url);
    await eventually('live', () => watched.state === 'live' && watched.ticks.length === 1);
    const { errors, messages, trouble } = watched.connection.row();
    assert.deepEqual([errors, messages, watched.firstFailure], [5, 6, undefined]);
    assert.match(trouble ?? '', /^Last frame not understood: Not JSON/);
    assert.doesNotMatch(trouble ?? '', /\p{Cc}/u);
  });

  it('sends a frame in pieces, with pings between them', async () => {
    const server = await serve(
      upgraded((peer) => {
        peer.frame('text', TICK.slice(0, 5), false);
        peer.frame('ping', 'between');
        peer.frame('continuation', TICK.slice(5, 9), false);
        peer.frame('continuation', '', false);
        peer.frame('continuation', TICK.slice(9));
      }),
    );
    const watched = connect(server.url);
    await eventually('the tick', () => watched.ticks.length === 1);
    await eventually('the pong', () => server.peers[0]?.heard.includes('pong'));
    assert.equal(watched.firstFailure, undefined);
  });

  it('sends a frame in more pieces than anyone needs', async () => {
    const piece = encodeFrame('continuation', 'x', false);
    const pieces = Buffer.concat(Array.from({ length: 20_000 }, () => piece));
    const { state, trouble } = await failure(
      upgraded((peer) => {
        peer.frame('text', 'x', false);
        peer.socket.write(pieces);
      }),
    );
    assert.equal(state, 'backing_off');
    assert.match(trouble, /in too many pieces.*Ask the provider for whole frames/);
  });

  it('sends 10 MB in one frame, slowly: it is waited for, and taken', async () => {
    const text = JSON.stringify({ symbol: 'a', price: 1, note: 'x'.repeat(10 * MEGABYTE) });
    const bytes = encodeFrame('text', text);
    const server = await serve(
      upgraded((peer) => {
        const share = Math.ceil(bytes.length / 20);
        let at = 0;
        const timer = setInterval(() => {
          peer.socket.write(bytes.subarray(at, at + share));
          at += share;
          if (at >= bytes.length) clearInterval(timer);
        }, 80);
        peer.socket.on('close', () => clearInterval(timer));
        // No pong may come in the middle of a frame.
        peer.answersPings = false;
      }),
    );
    // The frame lasts longer than a silence and its ping may; a busy machine may stretch it to 15 s.
    const watched = connect(server.url, {
      timings: { ...SHORT_TIMINGS, pingAfterSilenceMs: 1_500, answerWithinMs: 50 },
    });
    await eventually('the tick', () => watched.ticks.length === 1);
    assert.equal(watched.firstFailure, undefined);
  });

  it('never ends a frame, byte by byte', async () => {
    const { state, trouble } = await failure(
      upgraded((peer) => {
        peer.answersPings = false;
        peer.socket.write(encodeFrame('text', 'x'.repeat(1_000)).subarray(0, 10));
        const timer = setInterval(() => peer.socket.write('x'), 20);
        peer.socket.on('close', () => clearInterval(timer));
      }),
      // A busy machine may leave out many of these bytes.
      { ...SHORT_TIMINGS, answerWithinMs: 3_000 },
    );
    assert.equal(state, 'backing_off');
    const [, waited] = /^No frame for (\S+) s/.exec(trouble) ?? [];
    assert.ok(Number(waited) >= 5, trouble);
  });

  it('announces 17 MB in one frame: it is refused at once, with the reason', async () => {
    const head = encodeFrame('text', Buffer.alloc(17 * MEGABYTE)).subarray(0, 10);
    const { state, trouble, server } = await failure(
      upgraded((peer) => void peer.socket.write(head)),
    );
    assert.equal(state, 'backing_off');
    assert.match(trouble, /more than 16 MB.*Set "symbolsPerConnection" lower/);
    await eventually('the next attempt', () => server.peers.length > 1);
  });

  it('sends hundreds of megabytes: memory stays bounded', async () => {
    const big = encodeFrame(
      'text',
      `{"symbol":"a","price":1,"note":"${'x'.repeat(2 * MEGABYTE)}"}`,
    );
    let sent = 0;
    const server = await serve(
      upgraded((peer) => {
        const next = () => {
          if (sent < 200 && !peer.socket.destroyed) peer.socket.write(big, next);
          sent += 1;
        };
        next();
      }),
    );
    const before = process.memoryUsage().rss;
    let taken = 0;
    const watched = connect(server.url, { onTicks: (ticks) => (taken += ticks.length) });
    let most = 0;
    await eventually(
      'all frames',
      () => {
        most = Math.max(most, process.memoryUsage().rss);
        return taken >= 200;
      },
      { deadlineMs: 50_000 },
    );
    assert.equal(watched.firstFailure, undefined);
    assert.ok(
      most - before < MEMORY_BOUND_BYTES,
      `${Math.round((most - before) / MEGABYTE)} MB more`,
    );
  });

  it('floods with ticks and pings and reads nothing: memory stays bounded, and stopping works', async () => {
    const chunk = Buffer.concat(
      Array.from({ length: 500 }, () => [
        encodeFrame('text', TICK),
        encodeFrame('ping', 'p'),
      ]).flat(),
    );
    const server = await serve(
      upgraded((peer) => {
        peer.socket.pause();
        const flood = () => {
          if (!peer.socket.destroyed) peer.socket.write(chunk, () => setImmediate(flood));
        };
        flood();
      }),
    );
    const before = process.memoryUsage().rss;
    let taken = 0;
    const watched = connect(server.url, { onTicks: (ticks) => (taken += ticks.length) });
    await eventually('100,000 ticks', () => taken > 100_000);
    const grown = process.memoryUsage().rss - before;
    assert.ok(grown < MEMORY_BOUND_BYTES, `${Math.round(grown / MEGABYTE)} MB more`);
    watched.connection.stop(true);
    await eventually('the end of the socket', () => server.openSockets === 0);
  });

  for (const [status, reason] of [
    [400, /make sense/],
    [401, /credentials/],
    [403, /forbids/],
    [404, /Correct the path/],
    [410, /gone for good/],
  ] as const) {
    it(`answers ${status}, and waits for a person`, async () => {
      const { state, trouble, server, watched } = await failure((peer) => peer.refuse(status));
      assert.equal(state, 'suspended');
      assert.match(trouble, reason);
      assert.match(trouble, /then resume the stream\.$/);
      assert.equal(server.peers.length, 1);
      watched.connection.resume();
      await eventually('one more attempt, when asked to', () => server.peers.length === 2);
      await eventually('the same answer', () => watched.state === 'suspended');
      assert.equal(server.peers.length, 2);
    });
  }

  it('points to another address, which is told and not followed', async () => {
    const Location = 'wss://user:secret@other.example.com/feed?token=secret';
    for (const status of [301, 302, 307, 308]) {
      const { state, trouble } = await failure((peer) => peer.refuse(status, { Location }));
      assert.equal(state, 'suspended');
      assert.match(trouble, /points to wss:\/\/other\.example\.com\/feed\. Put that into "url"/);
      assert.doesNotMatch(trouble, /secret/);
    }
  });

  it('asks for patience with Retry-After, in seconds or as a date, and gets it', async () => {
    const date = new Date(Date.now() + 60_000).toUTCString();
    const late = await failure((peer) => peer.refuse(503, { 'Retry-After': date }));
    assert.equal(late.state, 'backing_off');
    assert.match(
      late.trouble,
      /HTTP 503: it can not serve now\. It asks to wait until \d{4}-.*Z\.$/,
    );
    const times: number[] = [];
    const server = await serve((peer) => {
      times.push(performance.now());
      if (times.length > 1) peer.upgrade();
      else peer.refuse(429, { 'Retry-After': '2' });
    });
    const watched = connect(server.url);
    await eventually('live', () => watched.state === 'live');
    assert.match(watched.firstFailure?.trouble ?? '', /HTTP 429: it was asked too often\. It asks/);
    const [first = 0, second = 0] = times;
    assert.ok(second - first >= 2_000, `asked again after ${second - first} ms`);
    assert.equal(late.server.peers.length, 1, 'the other one is still left alone');
  });

  it('answers 500 or a web page, and is asked again', async () => {
    for (const status of [200, 418, 429, 500, 502, 503]) {
      const { state, trouble } = await failure((peer) => peer.refuse(status));
      assert.equal(state, 'backing_off');
      assert.match(trouble, new RegExp(`^The server answered with HTTP ${status}[.:]`));
    }
  });
});
