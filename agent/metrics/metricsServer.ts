import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Clock, Timer } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import type { MetricsStatus } from '../protocol/model.ts';
import { METRIC_CONTENT_TYPE } from './metricText.ts';

/** A port that another process has may become free. */
const RETRY_MS = 10_000;
/** A scraper needs one; more than that are none. */
const MOST_CONNECTIONS = 16;
const REQUEST_TIMEOUT_MS = 5_000;
const PATH = '/metrics';

export interface MetricsServerOptions {
  /** A loopback address: the config takes no other. */
  host: string;
  /** 0: any that is free. */
  port: number;
  text(): Promise<string>;
  clock: Clock;
  logger: Logger;
}

/**
 * Answers Prometheus on a loopback port. A port that is taken keeps no agent from working: it is
 * told, and tried again.
 */
export class MetricsServer {
  private server: Server | undefined;
  private timer: Timer | undefined;
  private closed = false;
  private trouble: string | null = null;
  private url: string | null = null;

  constructor(private readonly options: MetricsServerOptions) {}

  get status(): MetricsStatus {
    return { url: this.url, trouble: this.trouble };
  }

  /** Settles when it listens, or when it is known that it can not now. Never rejects. */
  async start(): Promise<void> {
    const { host, port, logger } = this.options;
    try {
      await this.listen();
      logger.info({ address: this.url }, 'metrics can be scraped');
      this.trouble = null;
    } catch (error) {
      const why = troubleOf(error, host, port);
      if (this.trouble === null) logger.warn({ host, port, why }, 'metrics can not be scraped');
      this.trouble = why;
      this.retryLater();
    }
  }

  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    const { server } = this;
    if (server === undefined) return;
    server.closeAllConnections();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  private retryLater(): void {
    if (this.closed) return;
    this.timer = this.options.clock.setTimeout(() => void this.start(), RETRY_MS);
  }

  private listen(): Promise<void> {
    const { host, port } = this.options;
    const server = createServer((request, response) => void this.answer(request, response));
    server.maxConnections = MOST_CONNECTIONS;
    server.headersTimeout = REQUEST_TIMEOUT_MS;
    server.requestTimeout = REQUEST_TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, exclusive: true }, () => {
        server.off('error', reject);
        server.on('error', (error) => this.options.logger.warn({ why: messageOf(error) }, PATH));
        this.url = urlOf(server);
        this.server = server;
        resolve();
        if (this.closed) server.close();
      });
    });
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { url = '', method = '', headers } = request;
    if (!isLoopbackName(headers.host)) {
      // A page in a browser that gave its own name this address could read it otherwise.
      say(
        response,
        403,
        `Ask for it by a loopback name, such as 127.0.0.1, and not as ${headers.host ?? 'nothing'}.`,
      );
    } else if (url.split('?', 1)[0] !== PATH) say(response, 404, `Only ${PATH} is here.`);
    else if (method !== 'GET' && method !== 'HEAD') {
      response.setHeader('allow', 'GET, HEAD');
      say(response, 405, 'Use GET.');
    } else {
      const text = await this.options.text();
      response.setHeader('content-type', METRIC_CONTENT_TYPE);
      response.end(text);
    }
  }
}

function say(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' });
  response.end(`${text}\n`);
}

function urlOf(server: Server): string | null {
  const address = server.address();
  if (address === null || typeof address === 'string') return null;
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `http://${host}:${address.port}${PATH}`;
}

/** Whether a `Host` header names this machine by loopback. */
function isLoopbackName(host: string | undefined): boolean {
  const name = (host ?? '').replace(/:\d+$/, '').toLowerCase();
  return name === 'localhost' || name === '[::1]' || /^127(\.\d{1,3}){3}$/.test(name);
}

function troubleOf(error: unknown, host: string, port: number): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') {
    return `Port ${port} of ${host} is taken by another process. Give each agent of this machine a port of its own: INTERLOCK_METRICS_PORT. It is tried again.`;
  }
  return `${host}:${port} can not be listened on: ${messageOf(error)}. It is tried again.`;
}
