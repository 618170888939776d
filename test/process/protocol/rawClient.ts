import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import * as z from 'zod';
import { eventually } from '../../harness/eventually.ts';

const answerSchema = z.looseObject({
  id: z.union([z.number(), z.null()]).optional(),
  result: z.unknown().optional(),
  error: z
    .object({
      code: z.number(),
      message: z.string(),
      data: z.looseObject({ code: z.string(), remedy: z.string().optional() }).optional(),
    })
    .optional(),
});

export type RawAnswer = z.infer<typeof answerSchema>;

/** A client without manners: it writes bytes and reads frames. */
export class RawClient {
  private received = '';
  private lastId = 0;
  ended = false;

  private constructor(private readonly socket: Socket) {
    socket.setEncoding('utf8').on('data', (text: string) => (this.received += text));
    socket.on('error', () => undefined);
    socket.on('close', () => (this.ended = true));
  }

  static async connect(socketPath: string): Promise<RawClient> {
    const socket = connect(socketPath);
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  write(bytes: string | Uint8Array): void {
    this.socket.write(bytes);
  }

  /** Writes any value as a frame. */
  send(value: unknown): void {
    this.write(frame(JSON.stringify(value)));
  }

  /** Sends a request with whatever parameters and waits for its answer. */
  async request(method: string, ...params: unknown[]): Promise<RawAnswer> {
    this.lastId += 1;
    const id = this.lastId;
    this.send({
      jsonrpc: '2.0',
      id,
      method,
      ...(params.length === 0 ? {} : { params: params[0] }),
    });
    return eventually(`the answer to ${method}`, () => {
      if (this.ended) throw new Error('the connection has ended');
      return this.answers().find((answer) => answer.id === id);
    });
  }

  answers(): RawAnswer[] {
    const bodies = this.received.split(/Content-Length: \d+\r\n\r\n/).slice(1);
    return bodies.flatMap((body) => {
      try {
        return [answerSchema.parse(JSON.parse(body))];
      } catch {
        // Not complete yet.
        return [];
      }
    });
  }

  close(): void {
    this.socket.destroy();
  }
}

export function frame(body: string): string {
  return `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}
