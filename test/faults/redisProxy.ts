import { connect, createServer, type Server, type Socket } from 'node:net';
import { portOf } from '../harness/portOf.ts';

/**
 * `open`: everything comes through. `cut`: no connection lives. `stalled`: connections live and
 * nothing comes through. `mute`: requests come through, answers are thrown away.
 */
export type ProxyMode = 'open' | 'cut' | 'stalled' | 'mute';

interface Link {
  near: Socket;
  far: Socket;
  /** An answer of it was thrown away: what comes later would be taken for that answer. */
  isSpoiled: boolean;
}

/** The network between one agent and Redis: a TCP port on loopback in front of a unix socket. */
export class RedisProxy {
  /** Connections that were made until now. */
  accepted = 0;
  private current: ProxyMode = 'open';
  private readonly links = new Set<Link>();
  private readonly forgotten = new Set<Link>();

  private constructor(
    private readonly server: Server,
    private readonly socketPath: string,
  ) {
    server.on('connection', (near) => this.accept(near));
  }

  static async start(socketPath: string): Promise<RedisProxy> {
    const server = createServer({ pauseOnConnect: true });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    return new RedisProxy(server, socketPath);
  }

  get url(): string {
    return `redis://127.0.0.1:${portOf(this.server)}`;
  }

  get mode(): ProxyMode {
    return this.current;
  }

  setMode(mode: ProxyMode): void {
    this.current = mode;
    for (const link of this.links) {
      if (mode === 'cut' || (link.isSpoiled && mode !== 'mute')) destroy(link);
      else for (const socket of [link.near, link.far]) flow(socket, mode);
    }
  }

  /** Nothing comes through the connections of now any more, and nobody is told. New ones are made. */
  forget(): void {
    for (const link of this.links) {
      for (const socket of [link.near, link.far]) flow(socket, 'stalled');
      this.forgotten.add(link);
    }
    this.links.clear();
  }

  async close(): Promise<void> {
    for (const link of [...this.links, ...this.forgotten]) destroy(link);
    await new Promise<void>((resolve) => this.server.close(() => resolve()));
  }

  private accept(near: Socket): void {
    near.on('error', () => undefined);
    if (this.current === 'cut') {
      near.resetAndDestroy();
      return;
    }
    this.accepted += 1;
    const far = connect(this.socketPath);
    const link: Link = { near, far, isSpoiled: false };
    this.links.add(link);
    near.setNoDelay(true);
    near.on('data', (chunk: Buffer) => far.write(chunk));
    far.on('data', (chunk: Buffer) => {
      if (this.current === 'mute') link.isSpoiled = true;
      else near.write(chunk);
    });
    far.on('error', () => undefined);
    for (const socket of [near, far]) {
      socket.once('close', () => {
        destroy(link);
        this.links.delete(link);
      });
    }
    for (const socket of [near, far]) flow(socket, this.current);
  }
}

function flow(socket: Socket, mode: ProxyMode): void {
  if (mode === 'stalled') socket.pause();
  else socket.resume();
}

function destroy({ near, far }: Link): void {
  near.destroy();
  far.destroy();
}
