import { connect, type Socket } from 'node:net';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import * as z from 'zod';
import { InterlockError, messageOf } from '../common/errors.ts';
import type { AgentRecord } from './agentRecord.ts';
import { requests } from './api.ts';
import type { NotificationDefinition, ParamsOf, RequestDefinition, ResultOf } from './define.ts';
import { fromResponseError } from './rpcErrors.ts';
import { PROTOCOL_VERSION } from './version.ts';

export interface ClientIdentity {
  kind: 'extension' | 'cli' | 'test';
  version: string;
}

const CONNECT_TIMEOUT_MS = 5_000;

/** What a request takes: fields with defaults may be left out. */
type InputOf<D extends RequestDefinition> = z.input<D['params']>;

/**
 * A connection to one agent after its handshake. When the peer closes, requests in flight are
 * rejected (vscode-jsonrpc leaves them pending unless the connection is disposed).
 */
export class AgentClient {
  private closed = false;
  private readonly closeListeners: (() => void)[] = [];

  private constructor(
    private readonly socket: Socket,
    private readonly connection: MessageConnection,
    readonly record: AgentRecord,
  ) {
    connection.onClose(() => this.handleClose());
    connection.onError(() => this.dispose());
  }

  /**
   * Connects and says hello.
   * @throws InterlockError `no_agent` when nobody listens, `unauthorized`, `version_mismatch`
   */
  static async connect(record: AgentRecord, identity: ClientIdentity): Promise<AgentClient> {
    const client = await AgentClient.open(record);
    try {
      await client.request(requests.hello, {
        token: record.token,
        protocol: PROTOCOL_VERSION,
        client: { kind: identity.kind, version: identity.version, pid: process.pid },
      });
      return client;
    } catch (error) {
      client.dispose();
      throw error;
    }
  }

  /** Connects without hello: only for `drain`, which an agent of any protocol takes. */
  static async open(record: AgentRecord): Promise<AgentClient> {
    const socket = await connectSocket(record.socketPath);
    const connection = createMessageConnection(
      new StreamMessageReader(socket),
      new StreamMessageWriter(socket),
    );
    const client = new AgentClient(socket, connection, record);
    connection.listen();
    return client;
  }

  get isClosed(): boolean {
    return this.closed;
  }

  /**
   * Sends a request and parses the answer.
   * @throws InterlockError the agent's own error, `no_agent` when the connection ended meanwhile
   */
  async request<D extends RequestDefinition>(
    definition: D,
    params: InputOf<D>,
  ): Promise<ResultOf<D>> {
    if (this.isClosed) throw connectionEnded(definition.method);
    let answer: unknown;
    try {
      answer = await this.connection.sendRequest(definition.method, params);
    } catch (error) {
      if (this.endedMeanwhile()) throw connectionEnded(definition.method);
      throw fromResponseError(error);
    }
    const parsed = definition.result.safeParse(answer);
    if (parsed.success) return parsed.data as ResultOf<D>;
    throw new InterlockError({
      code: 'internal',
      message: `The agent's answer to ${definition.method} is not as agreed: ${z.prettifyError(parsed.error)}`,
      remedy: 'Restart the agent so that it has the same version as this client.',
    });
  }

  /** Asked after an await: the connection may have ended since it was asked before. */
  private endedMeanwhile(): boolean {
    return this.closed;
  }

  /** Calls `listener` with each well-formed notification; others are dropped and told to `onBad`. */
  onNotification<D extends NotificationDefinition>(
    definition: D,
    listener: (params: ParamsOf<D>) => void,
    onBad: (reason: string) => void = () => undefined,
  ): { dispose(): void } {
    return this.connection.onNotification(definition.method, (raw: unknown) => {
      const parsed = definition.params.safeParse(raw);
      if (parsed.success) listener(parsed.data as ParamsOf<D>);
      else onBad(`${definition.method}: ${z.prettifyError(parsed.error)}`);
    });
  }

  /** Called once when the connection has ended, at once if it has already. */
  onClose(listener: () => void): void {
    if (this.closed) listener();
    else this.closeListeners.push(listener);
  }

  dispose(): void {
    this.handleClose();
  }

  private handleClose(): void {
    if (this.closed) return;
    this.closed = true;
    this.connection.dispose();
    this.socket.destroy();
    for (const listener of this.closeListeners.splice(0)) listener();
  }
}

function connectSocket(socketPath: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(socketPath);
    const fail = (why: string) => {
      socket.destroy();
      reject(
        new InterlockError({
          code: 'no_agent',
          message: `No agent answers at ${socketPath}: ${why}.`,
          remedy: 'Start one with "interlock start" or "interlock up".',
        }),
      );
    };
    socket.setTimeout(CONNECT_TIMEOUT_MS, () => fail('timed out'));
    socket.once('error', (error) => fail(messageOf(error)));
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.removeAllListeners('error');
      // Later errors come as a close; without a listener Node would throw them.
      socket.on('error', () => undefined);
      resolve(socket);
    });
  });
}

function connectionEnded(method: string): InterlockError {
  return new InterlockError({
    code: 'no_agent',
    message: `The agent went away before it answered ${method}.`,
    remedy: 'Look whether it restarted, then try again: "interlock status".',
  });
}
