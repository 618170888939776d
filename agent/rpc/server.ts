import { chmodSync, mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import * as path from 'node:path';
import { sleep, type Clock } from '../common/clock.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import { within } from '../common/within.ts';
import type { Logger } from '../logging.ts';
import { requests, type Requests } from '../protocol/api.ts';
import type { RequestDefinition, RequestHandlers } from '../protocol/define.ts';
import { withExclusiveFile } from '../state/exclusiveFile.ts';
import type { RoleGate } from './roleGate.ts';
import { HELLO_DEADLINE_MS, Session, type RequestContext } from './session.ts';

/** Looking whether an agent answers, and taking the place of one that is gone, takes milliseconds. */
const BIND_DEADLINE_MS = 5_000;

const LINGER_MS = 50;
const FAREWELL_DEADLINE_MS = 200;

export interface RpcServerOptions {
  socketPath: string;
  clock: Clock;
  logger: Logger;
  /** Makes a coded error of whatever a handler threw. */
  explain: (thrown: unknown) => InterlockError;
  onClientsChange: (count: number) => void;
}

export type Handlers = RequestHandlers<Requests, RequestContext>;

/**
 * The agent's socket. Binding it is the lock that makes an agent the only one of its state folder:
 * a socket file that nobody answers at is a leftover and is removed.
 */
export class RpcServer {
  private readonly sessions = new Set<Session>();
  /** Clients that came between `bind` and `serve`. */
  private readonly early: Socket[] = [];
  private server: Server | undefined;

  constructor(private readonly options: RpcServerOptions) {}

  get clientCount(): number {
    return [...this.sessions].filter((session) => session.greeted).length;
  }

  /**
   * Takes the socket. Clients are answered from `serve` on.
   * @throws InterlockError `already_running` when another agent answers there
   */
  async bind(): Promise<void> {
    const { socketPath } = this.options;
    if (process.platform !== 'win32') {
      const folder = path.dirname(socketPath);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      chmodSync(folder, 0o700);
    }
    // Two agents that find a leftover at once would each remove the socket that the other has made.
    const lockFile = path.join(path.dirname(socketPath), 'agent.starting');
    const alone = (work: () => Promise<void>) =>
      process.platform === 'win32'
        ? work()
        : withExclusiveFile(lockFile, this.options.clock, BIND_DEADLINE_MS, work);
    await alone(async () => {
      let trouble = await this.tryBind();
      if (trouble === undefined) return;
      if (await answers(socketPath)) throw alreadyRunning(socketPath);
      rmSync(socketPath, { force: true });
      trouble = await this.tryBind();
      if (trouble !== undefined) throw notBound(socketPath, trouble);
    });
  }

  private async tryBind(): Promise<string | undefined> {
    const server = createServer({ pauseOnConnect: true });
    const trouble = await listen(server, this.options.socketPath);
    if (trouble !== undefined) return trouble;
    this.server = server;
    server.on('connection', (socket) => this.early.push(socket));
    return undefined;
  }

  /**
   * Begins to answer. Clients that connected since `bind` are answered as well.
   * @param gate says what this agent does not do
   */
  serve(handlers: Handlers, gate: RoleGate): void {
    const server = this.server;
    if (server === undefined) throw new Error('bind first');
    server.removeAllListeners('connection');
    server.on('connection', (socket) => this.accept(socket, handlers, gate));
    for (const socket of this.early.splice(0)) this.accept(socket, handlers, gate);
  }

  /** Tells every client why, and ends its connection. One that does not read does not hold us up. */
  async close(reason: string): Promise<void> {
    this.server?.close();
    const farewells = [...this.sessions].map((session) => session.farewell(reason));
    const { clock } = this.options;
    await within(clock, FAREWELL_DEADLINE_MS, Promise.all(farewells));
    // A client that sees the end together with the message may drop what it has not read yet.
    await sleep(clock, LINGER_MS);
    for (const session of this.sessions) session.dispose();
  }

  private accept(socket: Socket, handlers: Handlers, gate: RoleGate): void {
    const session = new Session(socket, this.options.logger, this.options.explain);
    this.sessions.add(session);
    const deadline = this.options.clock.setTimeout(() => {
      if (!session.greeted) session.dispose();
    }, HELLO_DEADLINE_MS);
    session.onClose(() => {
      deadline.cancel();
      this.sessions.delete(session);
      this.options.onClientsChange(this.clientCount);
    });
    registerAll(session, handlers, gate);
    session.listen();
    socket.resume();
  }
}

function registerAll(session: Session, handlers: Handlers, gate: RoleGate): void {
  for (const name of Object.keys(requests)) {
    if (!isRequestName(name)) continue;
    const definition: RequestDefinition = requests[name];
    // Handlers and definitions belong together by name: `session.handle` parses with that definition.
    const handler = handlers[name] as (
      params: unknown,
      context: RequestContext,
    ) => Promise<unknown>;
    const refusal = gate.refusalOf(name);
    session.handle(definition, refusal ?? ((params) => handler(params, { session })));
  }
}

function isRequestName(name: string): name is keyof Requests {
  return name in requests;
}

function listen(server: Server, socketPath: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    server.once('error', (error) => resolve(messageOf(error)));
    server.listen(socketPath, () => {
      server.removeAllListeners('error');
      if (process.platform !== 'win32') chmodSync(socketPath, 0o600);
      resolve(undefined);
    });
  });
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath);
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
  });
}

function notBound(socketPath: string, why: string): InterlockError {
  return new InterlockError({
    code: 'internal',
    message: `The socket ${socketPath} can not be bound: ${why}.`,
    remedy: 'Remove the file, and check that its folder is yours.',
  });
}

function alreadyRunning(socketPath: string): InterlockError {
  return new InterlockError({
    code: 'already_running',
    message: `Another agent answers at ${socketPath}.`,
    remedy: 'Use that one ("interlock status"), or stop it first ("interlock stop").',
  });
}
