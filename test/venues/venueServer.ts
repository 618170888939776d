import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';

/** What is told to a client whose upgrade is refused. */
export interface Refusal {
  status: number;
  reason: string;
  retryAfterS?: number;
}

/**
 * The part that all venues share: HTTP and WebSocket on one port of this machine, and a list of
 * what clients did that the venue forbids.
 */
export abstract class VenueServer {
  /** What clients did against the rules, in words. A test fails when there is any. */
  readonly violations: string[] = [];
  private readonly http: Server;
  private readonly sockets = new WebSocketServer({ noServer: true });

  protected constructor() {
    this.http = createServer((request, response) => this.onRequest(request, response));
    this.http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => undefined);
      const refusal = this.admit(request);
      if (refusal !== undefined) {
        const retry =
          refusal.retryAfterS === undefined ? '' : `Retry-After: ${refusal.retryAfterS}\r\n`;
        socket.end(
          `HTTP/1.1 ${refusal.status} ${refusal.reason}\r\n${retry}Connection: close\r\n\r\n`,
        );
        return;
      }
      this.sockets.handleUpgrade(request, socket, head, (client) => this.onClient(client, request));
    });
  }

  /** `ws://host:port`, without a path. */
  get url(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  get port(): number {
    const address = this.http.address();
    if (typeof address !== 'object' || address === null) throw new Error('not listening');
    return address.port;
  }

  get openSockets(): number {
    return this.sockets.clients.size;
  }

  protected async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.http.listen(0, '127.0.0.1', 1_024, resolve));
  }

  /** Ends every socket without a goodbye. */
  dropAll(): void {
    for (const client of this.sockets.clients) client.terminate();
  }

  async close(): Promise<void> {
    this.dropAll();
    this.http.closeAllConnections();
    await new Promise((resolve) => this.http.close(resolve));
  }

  protected violate(what: string): void {
    this.violations.push(what);
  }

  protected onRequest(_request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(404).end();
  }

  /** @returns why it may not connect */
  protected abstract admit(request: IncomingMessage): Refusal | undefined;
  protected abstract onClient(client: WebSocket, request: IncomingMessage): void;
}

/** The URL of a request, as seen from here. */
export function requestUrl(request: IncomingMessage): URL {
  return new URL(request.url ?? '/', 'http://127.0.0.1');
}
