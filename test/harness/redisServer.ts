import * as path from 'node:path';
import { Redis } from 'ioredis';
import { endProcess, startProcess, type StartedProcess } from './childProcess.ts';
import { eventually } from './eventually.ts';
import { makeTemporaryFolder, type TemporaryFolder } from './temporaryFolder.ts';

/** Both speak the same; the first one that starts is taken. */
const PROGRAMS = ['redis-server', 'valkey-server'];

/** A real Redis on a unix socket in a folder of its own, append-only, without a TCP port. */
export class RedisServer {
  private process: StartedProcess | undefined;
  private readonly clients: Redis[] = [];

  /** Of all keys. */
  readonly prefix = 'bull';

  private constructor(private readonly folder: TemporaryFolder) {}

  static async start(): Promise<RedisServer> {
    const server = new RedisServer(makeTemporaryFolder());
    await server.startProcess();
    return server;
  }

  get socketPath(): string {
    return path.join(this.folder.path, 'redis.sock');
  }

  /** For `redis.url` of a config, or REDIS_URL. */
  get url(): string {
    return `unix://${this.socketPath}`;
  }

  get pid(): number | undefined {
    return this.process?.pid;
  }

  /** A connection that is closed with the server. It does not reconnect by itself after `stop()`. */
  client(): Redis {
    const client = new Redis({ path: this.socketPath, maxRetriesPerRequest: null });
    client.on('error', () => undefined);
    this.clients.push(client);
    return client;
  }

  async flush(): Promise<void> {
    await this.client().flushall();
  }

  /** Ends it in order and removes its data. */
  async stop(): Promise<void> {
    for (const client of this.clients.splice(0)) client.disconnect();
    const running = this.process;
    this.process = undefined;
    if (running !== undefined) await endProcess(running);
    this.folder.remove();
  }

  /** kill -9; the append-only file stays for `restart()`. */
  async kill(): Promise<void> {
    const running = this.process;
    this.process = undefined;
    running?.child.kill('SIGKILL');
    await running?.ended;
  }

  /** It answers nothing until `thaw()`: connections stay, as with a stalled host. */
  freeze(): void {
    this.process?.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.process?.child.kill('SIGCONT');
  }

  /** Starts it again on the same socket with the same data, after `kill()` or over a running one. */
  async restart(): Promise<void> {
    const running = this.process;
    this.process = undefined;
    if (running !== undefined) await endProcess(running);
    await this.startProcess();
  }

  private async startProcess(): Promise<void> {
    const started = await startFirst(PROGRAMS, serverArguments(this.folder.path, this.socketPath));
    this.process = started;
    const probe = new Redis({
      path: this.socketPath,
      lazyConnect: true,
      retryStrategy: () => null,
    });
    probe.on('error', () => undefined);
    try {
      await eventually('Redis to answer', async () => {
        if (probe.status !== 'ready') await probe.connect();
        return probe.ping();
      });
    } catch (error) {
      throw new Error(`Redis did not start:\n${started.output()}`, { cause: error });
    } finally {
      probe.disconnect();
    }
  }
}

function serverArguments(folder: string, socketPath: string): string[] {
  return [
    ...['--port', '0', '--unixsocket', socketPath, '--unixsocketperm', '700'],
    ...['--dir', folder, '--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
    ...['--maxmemory-policy', 'noeviction', '--daemonize', 'no'],
  ];
}

async function startFirst(programs: string[], args: string[]): Promise<StartedProcess> {
  let trouble: unknown;
  for (const program of programs) {
    try {
      return await startProcess(program, args);
    } catch (error) {
      trouble = error;
    }
  }
  throw new Error(`None of ${programs.join(', ')} could be started`, { cause: trouble });
}
