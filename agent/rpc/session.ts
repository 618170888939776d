import type { Socket } from 'node:net';
import {
  createMessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
  type MessageConnection,
} from 'vscode-jsonrpc/node';
import * as z from 'zod';
import { InterlockError, messageOf } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import { notifications, requests } from '../protocol/api.ts';
import type { NotificationDefinition, ParamsOf, RequestDefinition } from '../protocol/define.ts';
import { toResponseError } from '../protocol/rpcErrors.ts';

/** A client that says no hello within that time is cut: it may be no client of ours at all. */
export const HELLO_DEADLINE_MS = 10_000;

/** A frame header longer than that is no JSON-RPC: the peer talks something else. */
const MAX_HEADER_BYTES = 4_096;

/** Given to every request handler: who asks, and how to tell them something. */
export interface RequestContext {
  session: Session;
}

/** One client's connection. Before its hello nothing but `hello` and `drain` is answered. */
export class Session {
  private readonly connection: MessageConnection;
  private readonly closeListeners: (() => void)[] = [];
  private closed = false;
  private subscription: (() => void) | undefined;
  greeted = false;

  constructor(
    private readonly socket: Socket,
    private readonly logger: Logger,
    private readonly explain: (thrown: unknown) => InterlockError,
  ) {
    cutWhenHeaderNeverEnds(socket, () => this.endWith('it does not speak JSON-RPC'));
    this.connection = createMessageConnection(
      new StreamMessageReader(socket),
      new StreamMessageWriter(socket),
    );
    this.connection.onError(([error]) => logger.info({ why: messageOf(error) }, 'bad frame'));
    this.connection.onClose(() => this.dispose());
    socket.on('error', () => this.dispose());
  }

  /** Registers a handler: what comes in is parsed, what goes out is checked, errors are coded. */
  handle<D extends RequestDefinition>(
    definition: D,
    handler: (params: ParamsOf<D>) => Promise<unknown>,
  ): void {
    this.connection.onRequest(definition.method, async (...received: unknown[]) => {
      try {
        // The last one is always the cancellation token: alone, it means that no params were sent.
        const raw = received.length > 1 ? received[0] : undefined;
        if (!this.greeted && !isAllowedBeforeHello(definition)) throw helloFirst(definition.method);
        const params = definition.params.safeParse(raw ?? {});
        if (!params.success) throw badParams(definition.method, params.error);
        return definition.result.parse(await handler(params.data as ParamsOf<D>));
      } catch (error) {
        return toResponseError(this.explain(error));
      }
    });
  }

  listen(): void {
    this.connection.onRequest((method) =>
      toResponseError(
        new InterlockError({
          code: 'bad_params',
          message: `This agent knows no method "${method}".`,
          remedy: 'Update the older side, so that client and agent have the same version.',
        }),
      ),
    );
    this.connection.listen();
  }

  notify<D extends NotificationDefinition>(definition: D, params: ParamsOf<D>): void {
    if (this.closed) return;
    this.connection.sendNotification(definition.method, params).catch(() => this.dispose());
  }

  /** A client has one subscription to the state; a new one ends the one before. */
  setSubscription(end: (() => void) | undefined): void {
    this.subscription?.();
    this.subscription = end;
  }

  onClose(listener: () => void): void {
    this.closeListeners.push(listener);
  }

  /** Tells the client that the agent leaves. Settles when that is sent. */
  async farewell(reason: string): Promise<void> {
    const { method } = notifications.stopping;
    await this.connection.sendNotification(method, { reason }).catch(() => undefined);
  }

  dispose(): void {
    if (this.closed) return;
    this.closed = true;
    this.setSubscription(undefined);
    this.connection.dispose();
    this.socket.destroy();
    for (const listener of this.closeListeners.splice(0)) listener();
  }

  private endWith(why: string): void {
    this.logger.info({ why }, 'client cut');
    this.dispose();
  }
}

function isAllowedBeforeHello(definition: RequestDefinition): boolean {
  return definition.method === requests.hello.method || definition.method === requests.drain.method;
}

/** Without this, bytes that are no frame would be kept for ever while a header is looked for. */
function cutWhenHeaderNeverEnds(socket: Socket, cut: () => void): void {
  let pending = '';
  const inspect = (chunk: Buffer) => {
    pending += chunk.toString('latin1', 0, MAX_HEADER_BYTES);
    if (/^Content-Length: *\d+\r\n/im.test(pending)) {
      socket.off('data', inspect);
    } else if (pending.length >= MAX_HEADER_BYTES || pending.includes('\r\n\r\n')) {
      socket.off('data', inspect);
      cut();
    }
  };
  socket.on('data', inspect);
}

function helloFirst(method: string): InterlockError {
  return new InterlockError({
    code: 'unauthorized',
    message: `"${method}" came before "hello".`,
    remedy: 'Say hello with the token of agent.json first.',
  });
}

function badParams(method: string, error: z.ZodError): InterlockError {
  return new InterlockError({
    code: 'bad_params',
    message: `${method}: ${z.prettifyError(error)}`,
    remedy: 'Correct the named field.',
    details: { fields: error.issues.map((issue) => issue.path.join('.')) },
  });
}
