import { randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocket, WebSocketServer } from 'ws';
import * as z from 'zod';
import type { Clock, Timer } from '../common/clock.ts';
import type { InspectorConnection, OpenInspector } from '../handlers/openInspector.ts';
import { closeSoon, frameOf, MAX_FRAME_BYTES } from '../handlers/socketFrames.ts';
import { CdpFrames, type InspectorNews } from './cdpFrames.ts';

/** A debugger that was asked for comes at once, or never. */
const COME_WITHIN_MS = 30_000;

/** What a debugger is given to go when its run has ended. */
const GO_WITHIN_MS = 3_000;

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
 * The only way to the inspector of one handler: an address on loopback that lets one debugger
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
  #inspector: InspectorConnection | undefined;
  #inspectorIsThere = false;
  #debugger: WebSocket | undefined;
  #deadline: Timer | undefined;
  #isOver = false;

  constructor(
    private readonly openInspector: OpenInspector,
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

  /** The run has ended: the debugger is told by the end of the inspector, and goes by itself. */
  finish(): void {
    this.#isOver = true;
    this.#deadline?.cancel();
    this.#server.close();
    this.clock.setTimeout(() => this.release(), GO_WITHIN_MS);
  }

  /** Lets the handler go on by itself: V8 resumes when its last debugger is gone. */
  release(): void {
    this.#isOver = true;
    this.#deadline?.cancel();
    this.#server.close();
    // What the inspector has said up to here still reaches the debugger, which is closed after it.
    if (this.#inspector === undefined) this.#debugger?.close();
    else this.#inspector.close();
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
    this.#inspectorIsThere = true;
    const inspector = this.openInspector({
      opened: () => this.events.attached(),
      received: (frame) => {
        const news = this.#frames.read(frame);
        if (news !== undefined) this.events.news(news);
        if (client.readyState === WebSocket.OPEN && this.#frames.concernsDebugger(frame))
          client.send(frame);
      },
      failed: (why) => this.#fail(why),
      closed: () => {
        this.#inspectorIsThere = false;
        closeSoon(client, this.clock);
      },
    });
    this.#inspector = inspector;
    client.on('message', (data) => inspector.send(this.#frames.toInspector(frameOf(data))));
    client.on('error', () => client.terminate());
    client.on('close', () => {
      if (this.#isOver) inspector.close();
      else if (this.#inspectorIsThere) this.events.debuggerLeft();
    });
  }

  #fail(why: string): void {
    if (this.#isOver) return;
    this.release();
    this.events.failed(why);
  }
}
