import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const OPCODES = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

export type FrameKind = keyof typeof OPCODES;

/** The server's end of one connection: says what it is told to, right or wrong. */
export class HostilePeer {
  /** Frames that the client sent, as kinds. */
  readonly heard: FrameKind[] = [];
  answersPings = true;
  private pending = Buffer.alloc(0);

  /** @param request the head of the client's HTTP request */
  constructor(
    readonly socket: Socket,
    readonly request: string,
  ) {}

  /** Answers the upgrade as a good server does. */
  upgrade(): void {
    const key = /^sec-websocket-key: *(\S+)/im.exec(this.request)?.[1] ?? '';
    const accept = createHash('sha1')
      .update(key + GUID)
      .digest('base64');
    this.socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${accept}\r\n\r\n`,
    );
    this.socket.on('data', (chunk) => this.onData(chunk));
  }

  /** Answers with an HTTP status instead, and ends the connection. */
  refuse(status: number, headers: Record<string, string> = {}): void {
    const lines = Object.entries({ ...headers, Connection: 'close' }).map((pair) =>
      pair.join(': '),
    );
    this.socket.end([`HTTP/1.1 ${status} No`, ...lines, '', ''].join('\r\n'));
  }

  /** @param payload a number: a close code */
  frame(kind: FrameKind, payload: Buffer | string | number = '', isLast = true): void {
    this.socket.write(encodeFrame(kind, payload, isLast));
  }

  private onData(chunk: Buffer): void {
    this.pending = Buffer.concat([this.pending, chunk]);
    for (;;) {
      const size = frameBytes(this.pending);
      if (size === undefined || this.pending.length < size) return;
      const opcode = (this.pending[0] ?? 0) & 15;
      const kind = kindOf(opcode);
      this.pending = this.pending.subarray(size);
      this.heard.push(kind);
      if (kind === 'ping' && this.answersPings) this.frame('pong');
    }
  }
}

/** A server that speaks raw TCP, for what a proper WebSocket server would refuse to do. */
export class HostileServer {
  readonly peers: HostilePeer[] = [];

  private constructor(
    private readonly server: Server,
    private readonly sockets: Set<Socket>,
  ) {}

  /** @param behave called for each HTTP request; null: nothing is read, and nothing is said */
  static async start(behave: ((peer: HostilePeer) => void) | null): Promise<HostileServer> {
    const sockets = new Set<Socket>();
    const server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
      if (behave === null) return;
      socket.once('data', (head) => {
        const peer = new HostilePeer(socket, head.toString('latin1'));
        hostile.peers.push(peer);
        behave(peer);
      });
    });
    const hostile = new HostileServer(server, sockets);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return hostile;
  }

  get url(): string {
    const address = this.server.address();
    if (typeof address !== 'object' || address === null) throw new Error('not listening');
    return `ws://127.0.0.1:${address.port}/ticks`;
  }

  get openSockets(): number {
    return this.sockets.size;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
  }
}

/** A frame as a server sends it: without a mask. */
export function encodeFrame(
  kind: FrameKind,
  payload: Buffer | string | number = '',
  isLast = true,
): Buffer {
  const body = payloadBytes(payload);
  const first = OPCODES[kind] | (isLast ? 128 : 0);
  if (body.length < 126) return Buffer.concat([Buffer.from([first, body.length]), body]);
  const head = Buffer.alloc(body.length < 65_536 ? 4 : 10);
  head[0] = first;
  if (head.length === 4) {
    head[1] = 126;
    head.writeUInt16BE(body.length, 2);
  } else {
    head[1] = 127;
    head.writeBigUInt64BE(BigInt(body.length), 2);
  }
  return Buffer.concat([head, body]);
}

function payloadBytes(payload: Buffer | string | number): Buffer {
  if (typeof payload !== 'number') return Buffer.from(payload);
  const code = Buffer.alloc(2);
  code.writeUInt16BE(payload);
  return code;
}

/** Of the masked frame at the beginning, when enough of it is there to tell. */
function frameBytes(bytes: Buffer): number | undefined {
  const short = (bytes[1] ?? 0) & 127;
  if (bytes.length < 2 || (short === 126 && bytes.length < 4)) return undefined;
  if (short === 127) return bytes.length < 10 ? undefined : Number(bytes.readBigUInt64BE(2)) + 14;
  return short === 126 ? bytes.readUInt16BE(2) + 8 : short + 6;
}

function kindOf(opcode: number): FrameKind {
  switch (opcode) {
    case 0:
      return 'continuation';
    case 1:
      return 'text';
    case 2:
      return 'binary';
    case 8:
      return 'close';
    case 9:
      return 'ping';
    default:
      return 'pong';
  }
}
