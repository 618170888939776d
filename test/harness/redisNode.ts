import { createServer } from 'node:net';
import { Redis } from 'ioredis';
import { endProcess, startProcess, type StartedProcess } from './childProcess.ts';
import { eventually } from './eventually.ts';

/** Both speak the same; the first one that starts is taken. */
const PROGRAMS = ['redis-server', 'valkey-server'];

export interface NodeOptions {
  /** A folder of its own. */
  folder: string;
  port: number;
  /** More of redis-server's command line. */
  args?: string[];
  /** Sentinel keeps its state in its config file; others need none. */
  configFile?: string;
  /** What a client needs beside the address, such as a password. */
  client?: object;
}

/** One redis-server on a TCP port of this host: a part of something larger. */
export class RedisNode {
  private process: StartedProcess | undefined;
  private readonly admin: Redis;

  private constructor(private readonly options: NodeOptions) {
    this.admin = new Redis({
      ...{ host: '127.0.0.1', port: options.port, lazyConnect: true, maxRetriesPerRequest: null },
      ...options.client,
    });
    this.admin.on('error', () => undefined);
  }

  /** Starts it and waits until it answers. @throws Error with its output when it does not */
  static async start(options: NodeOptions): Promise<RedisNode> {
    const node = new RedisNode(options);
    await node.begin();
    return node;
  }

  /** Starts several side by side: all, or none is left. */
  static async startAll(all: readonly NodeOptions[]): Promise<RedisNode[]> {
    const nodes = all.map((options) => new RedisNode(options));
    const starts = nodes.map((node) => node.begin());
    try {
      await Promise.all(starts);
      return nodes;
    } catch (error) {
      await Promise.allSettled(starts);
      await Promise.all(nodes.map((node) => node.stop()));
      throw error;
    }
  }

  get port(): number {
    return this.options.port;
  }

  get isRunning(): boolean {
    return this.process !== undefined;
  }

  /** For commands of the test itself. */
  get redis(): Redis {
    return this.admin;
  }

  freeze(): void {
    this.process?.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.process?.child.kill('SIGCONT');
  }

  /** kill -9. */
  async kill(): Promise<void> {
    const running = this.process;
    this.process = undefined;
    running?.child.kill('SIGKILL');
    await running?.ended;
  }

  /** Starts it again with what is on its disk. */
  async restart(): Promise<void> {
    await this.kill();
    await this.begin();
  }

  async stop(): Promise<void> {
    this.admin.disconnect();
    const running = this.process;
    this.process = undefined;
    if (running === undefined) return;
    // One that is frozen takes notice of nothing else.
    running.child.kill('SIGCONT');
    await endProcess(running, 1_000);
  }

  private async begin(): Promise<void> {
    const { port, folder, args = [], configFile } = this.options;
    const started = await startFirst([
      ...(configFile === undefined ? [] : [configFile]),
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--daemonize', 'no'],
      ...args,
    ]);
    this.process = started;
    try {
      const answers = eventually(`Redis to answer at ${port}`, () => this.admin.ping());
      const first = await Promise.race([answers, started.ended]);
      if (first !== 'PONG') throw new Error(`it ended with ${first}`);
    } catch (error) {
      throw new Error(`Redis did not start:\n${started.output()}`, { cause: error });
    }
  }
}

/** What every data node has: as a production server, and quick to end. */
export const DATA_NODE_ARGS = [
  ...['--appendonly', 'yes', '--appendfsync', 'everysec', '--save', ''],
  ...['--maxmemory-policy', 'noeviction', '--repl-diskless-sync-delay', '0'],
];

async function startFirst(args: string[]): Promise<StartedProcess> {
  let trouble: unknown;
  for (const program of PROGRAMS) {
    try {
      return await startProcess(program, args);
    } catch (error) {
      trouble = error;
    }
  }
  throw new Error(`None of ${PROGRAMS.join(', ')} could be started`, { cause: trouble });
}

/** A node of a Cluster listens there as well. */
const BUS_OFFSET = 10_000;
/** With their bus ports below those that the system takes for outgoing connections. */
const LEAST_PORT = 10_200;
/** No more: the bus of one is never the port of another. */
const PORTS = BUS_OFFSET;

/** Ports that nobody listens at now. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) {
    const port = LEAST_PORT + Math.floor(Math.random() * PORTS);
    if (ports.includes(port) || !(await isFree(port))) continue;
    if (await isFree(port + BUS_OFFSET)) ports.push(port);
  }
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
