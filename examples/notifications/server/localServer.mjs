// A small JSON server on loopback: what both servers of this example have in common.
import { createServer } from 'node:http';

const HOST = '127.0.0.1';
const MAX_BODY_BYTES = 64 * 1024;

/** Why a request gets no answer but an error, with its HTTP status. */
export class HttpError extends Error {
  /**
   * @param {number} status
   * @param {string} message
   */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/**
 * @typedef {{ method: string, path: string, query: URLSearchParams, body: unknown,
 *   header(name: string): string | undefined }} Asked
 */

/**
 * @param {number} port 0: one that is free
 * @param {(asked: Asked) => Promise<{ status: number, body: unknown }>} answer may throw HttpError
 * @returns {Promise<{ port: number, close(): Promise<void> }>}
 * @throws {Error} EADDRINUSE, when another program listens there
 */
export async function startLocalServer(port, answer) {
  const server = createServer((request, response) => {
    respond(request, answer)
      .catch(errorAnswer)
      .then(({ status, body }) => {
        // A body that nobody reads to its end must not hold up the next request.
        if (!request.complete) response.setHeader('connection', 'close');
        response.writeHead(status, { 'content-type': 'application/json' });
        response.end(`${JSON.stringify(body)}\n`);
      });
  });
  await new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, HOST, () => resolve(undefined));
  });
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function respond(request, answer) {
  const url = new URL(request.url ?? '/', `http://${HOST}`);
  const body = request.method === 'POST' ? await readJson(request) : undefined;
  return answer({
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.searchParams,
    body,
    header: (name) => request.headers[name],
  });
}

async function readJson(request) {
  // A page in a browser can send anything to this machine but this type, unless it is allowed to.
  if (!/^application\/json\b/i.test(request.headers['content-type'] ?? '')) {
    throw new HttpError(415, 'The body must be JSON, with content-type: application/json.');
  }
  let bytes = 0;
  const chunks = [];
  // Without destroyOnReturn the answer to a body that is too long would find no socket.
  for await (const chunk of request.iterator({ destroyOnReturn: false })) {
    bytes += chunk.length;
    if (bytes > MAX_BODY_BYTES) {
      throw new HttpError(413, `The body has more than ${MAX_BODY_BYTES} bytes.`);
    }
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new HttpError(400, `The body is not JSON: ${error.message}.`);
  }
}

function errorAnswer(error) {
  if (error instanceof HttpError) return { status: error.status, body: { error: error.message } };
  process.stderr.write(`${error?.stack ?? error}\n`);
  return { status: 500, body: { error: 'This server has a fault: see what it wrote.' } };
}

/**
 * Runs a server as a program: tells its port to whoever forked it, and ends on a signal.
 * @param {string} name for people
 * @param {() => Promise<{ port: number, close(): Promise<void> }>} start
 */
export async function runServer(name, start) {
  try {
    const server = await start();
    process.stderr.write(`${name} listens at http://${HOST}:${server.port}\n`);
    process.send?.({ port: server.port });
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
      process.once(signal, () => void server.close().then(() => process.exit(0)));
    }
  } catch (error) {
    process.stderr.write(`${name} can not start: ${error.message}\n`);
    process.exitCode = 1;
  }
}
