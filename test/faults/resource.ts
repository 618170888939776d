import { createServer, type Server, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import * as z from 'zod';
import { portOf } from '../harness/portOf.ts';
import { effectRequest, type Effect } from './faultRecord.ts';

const request = effectRequest.extend({ call: z.number() });

/**
 * Something that jobs change, outside Redis: it takes an effect only with a token that is not lower
 * than the highest one it has seen for the key, as the README tells people to do.
 */
export class Resource {
  readonly effects: Effect[] = [];
  private readonly highest = new Map<string, number>();
  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly checks: boolean,
  ) {
    server.on('connection', (socket) => this.serve(socket));
  }

  /** @param checks false: takes everything, to show that the checker sees it */
  static async start(checks = true): Promise<Resource> {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new Resource(server, checks);
  }

  get port(): number {
    return portOf(this.server);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private serve(socket: Socket): void {
    this.sockets.add(socket);
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    socket.once('close', () => this.sockets.delete(socket));
    const lines = createInterface({ input: socket });
    // It throws the errors of its socket once more.
    lines.on('error', () => undefined);
    lines.on('line', (line) => {
      const { call, ...effect } = request.parse(JSON.parse(line));
      const accepted = this.take(effect.key, effect.fence);
      this.effects.push({ ...effect, atMs: performance.now(), accepted });
      if (socket.writable) socket.write(`${call} ${accepted ? 1 : 0}\n`);
    });
  }

  private take(key: string, fence: number): boolean {
    const highest = this.highest.get(key) ?? 0;
    if (this.checks && fence < highest) return false;
    this.highest.set(key, Math.max(fence, highest));
    return true;
  }
}
