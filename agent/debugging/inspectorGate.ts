import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer, type RawData } from 'ws';
import * as z from 'zod';
import type { Clock, Timer } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import { CdpFrames, type InspectorNews } from './cdpFrames.ts';

/** A debugger that was asked for comes at once, or never. */
const COME_WITHIN_MS = 30_000;

/** Scripts and heap values go through whole. */
const MAX_FRAME_BYTES = 256 * 1_024 * 1_024;

/** What a debugger is given to go when its run has ended. */
const GO_WITHIN_MS = 3_000;

/** A socket that was told to close and is still there. */
const CLOSE_WITHIN_MS = 500;

const LOOPBACK = '127.0.0.1';

export interface GateEvents {
  attached(): void;
  news(news: InspectorNews): void;
  /** The debugger went away; the inspector is still held. */
  debuggerLeft(): void;
  /** No debugger came, or the inspector can not be reached. */
  failed(why: string): void;
}

/**
 * The only way to the inspector of one handler process: an address on loopback that lets one debugger
 * in, once, and is of no use afterwards. So it does no harm that a debug configuration tells it. What
 * passes tells where the run is paused; when the debugger goes, the pause can be kept.
 */
export class InspectorGate {
  readonly #path = `/${randomBytes(24).toString('base64url')}`;
  readonly #server: Server;
  readonly #sockets = new WebSocketServer({
    ...{ noServer: true, perMessageDeflate: false, maxPayload: MAX_FRAME_BYTES },
  });
  readonly #frames = new CdpFrames();
  #inspector: WebSocket | undefined;
  #debugger: WebSocket | undefined;
  #deadline: Timer | undefined;
  #isOver = false;

  /** @param inspectorUrl what the handler process told; it never leaves this process */
  constructor(
    private readonly inspectorUrl: string,
    private readonly clock: Clock,
    private readonly events: GateEvents,
  ) {
    this.#server = createServer((_request, response) => response.writeHead(404).end());
    this.#server.on('upgrade', (request, socket, head) => this.#admit(request, socket, head));
  }

  /** @returns the address for one debugger @throws when no port can be had */
  async open(): Promise<string> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(0, LOOPBACK, resolve);
    });
    const { port } = z.object({ port: z.number() }).parse(this.#server.address());
    this.#deadline = this.clock.setTimeout(() => this.#fail('no debugger came'), COME_WITHIN_MS);
    return `ws://${LOOPBACK}:${port}${this.#path}`;
  }

  /** The run has ended: the debugger is told by the end of the process, and goes by itself. */
  finish(): void {
    this.#isOver = true;
    this.#deadline?.cancel();
    this.#server.close();
    this.clock.setTimeout(() => this.release(), GO_WITHIN_MS);
  }

  /** Lets the process go on by itself: V8 resumes when its last debugger is gone. */
  release(): void {
    this.#isOver = true;
    this.#deadline?.cancel();
    this.#server.close();
    // What the inspector has said up to here still reaches the debugger, which is closed after it.
    if (this.#inspector === undefined) this.#debugger?.close();
    else closeSoon(this.#inspector, this.clock);
  }

  #admit(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    if (this.#isOver || this.#debugger !== undefined || request.url !== this.#path) {
      socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\n\r\n');
      return;
    }
    this.#deadline?.cancel();
    this.#sockets.handleUpgrade(request, socket, head, (debuggerSocket) => {
      this.#debugger = debuggerSocket;
      this.#server.close();
      this.#join(debuggerSocket);
    });
  }

  #join(client: WebSocket): void {
    const inspector = new WebSocket(this.inspectorUrl, {
      ...{ perMessageDeflate: false, maxPayload: MAX_FRAME_BYTES },
    });
    this.#inspector = inspector;
    const early: string[] = [];
    inspector.on('open', () => {
      for (const frame of early.splice(0)) inspector.send(frame);
      this.events.attached();
    });
    inspector.on('message', (data) => {
      const frame = textOf(data);
      const news = this.#frames.read(frame);
      if (news !== undefined) this.events.news(news);
      if (client.readyState === WebSocket.OPEN && this.#frames.concernsDebugger(frame))
        client.send(frame);
    });
    inspector.on('error', (error) => this.#fail(messageOf(error)));
    inspector.on('close', () => closeSoon(client, this.clock));
    client.on('message', (data) => {
      const frame = this.#frames.toInspector(textOf(data));
      if (inspector.readyState === WebSocket.CONNECTING) early.push(frame);
      else if (inspector.readyState === WebSocket.OPEN) inspector.send(frame);
    });
    client.on('error', () => client.terminate());
    client.on('close', () => {
      if (this.#isOver) closeSoon(inspector, this.clock);
      else if (inspector.readyState <= WebSocket.OPEN) this.events.debuggerLeft();
    });
  }

  #fail(why: string): void {
    if (this.#isOver) return;
    this.release();
    this.events.failed(why);
  }
}

/** In order, when the other side answers; a process that ends does not. */
function closeSoon(socket: WebSocket, clock: Clock): void {
  socket.close();
  clock.setTimeout(() => socket.terminate(), CLOSE_WITHIN_MS);
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return (Buffer.isBuffer(data) ? data : Buffer.from(new Uint8Array(data))).toString('utf8');
}
