import { fork, type ChildProcess } from 'node:child_process';
import * as path from 'node:path';
import { deferred, type Deferred } from '../../common/deferred.ts';
import { InterlockError, messageOf } from '../../common/errors.ts';
import type { JsonValue } from '../../common/json.ts';
import {
  ACTOR_VARIABLE,
  fromActor,
  type ActorEnvironment,
  type FromActor,
  type PartName,
  type ToActor,
} from './actorMessages.ts';

const HAS_PROCESS_GROUPS = process.platform !== 'win32';

/** A process of a story, seen from who tells it. */
export class Actor {
  readonly name: string;
  private readonly ready = deferred<undefined>();
  private readonly calls = new Map<number, Deferred<JsonValue>>();
  private readonly gone: Promise<void>;
  private lastCall = 0;
  private expectedToEnd = false;

  private constructor(
    private readonly child: ChildProcess,
    environment: ActorEnvironment,
    private readonly onFailure: (error: InterlockError) => void,
  ) {
    this.name = environment.actor;
    this.ready.promise.catch(() => undefined);
    this.gone = new Promise((resolve) => child.once('close', () => resolve()));
    child.on('message', (raw) => this.take(raw));
    child.on('error', (error) => this.breakDown(`can not be started: ${messageOf(error)}`));
    child.once('exit', (code, signal) => {
      if (!this.expectedToEnd) this.breakDown(`ended with ${signal ?? `code ${code ?? '?'}`}`);
    });
  }

  /** @param onFailure called when it breaks down by itself, not when it is killed */
  static start(
    part: PartName,
    options: JsonValue,
    environment: ActorEnvironment,
    onFailure: (error: InterlockError) => void,
  ): Actor {
    const child = fork(path.join(__dirname, 'storyActor.js'), [], {
      // No inspector of ours: two processes can not share its port.
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      // A group of its own: its handler processes end with it.
      detached: HAS_PROCESS_GROUPS,
      env: {
        ...process.env,
        ELECTRON_RUN_AS_NODE: '1',
        [ACTOR_VARIABLE]: JSON.stringify(environment),
      },
    });
    const actor = new Actor(child, environment, onFailure);
    actor.send({ kind: 'setup', part, options });
    return actor;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  /** @throws InterlockError what kept it from getting ready */
  whenReady(): Promise<undefined> {
    return this.ready.promise;
  }

  /** Asks it to do something. @throws InterlockError why it could not */
  do(command: string, args: JsonValue = {}): Promise<JsonValue> {
    const id = ++this.lastCall;
    const answer = deferred<JsonValue>();
    answer.promise.catch(() => undefined);
    this.calls.set(id, answer);
    this.send({ kind: 'do', id, command, args });
    return answer.promise;
  }

  send(message: ToActor): void {
    if (this.child.connected) this.child.send(message, () => undefined);
  }

  /** kill -9, of this process alone. Resolves when it is gone. */
  async kill(): Promise<void> {
    this.expectedToEnd = true;
    this.child.kill('SIGKILL');
    await this.gone;
  }

  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  thaw(): void {
    this.child.kill('SIGCONT');
  }

  /** Ends it and what it started, whatever state they are in. */
  async end(): Promise<void> {
    this.expectedToEnd = true;
    this.failCalls(new InterlockError({ code: 'conflict', message: 'The simulation has ended.' }));
    const { pid } = this.child;
    if (pid === undefined) return;
    try {
      if (HAS_PROCESS_GROUPS) process.kill(-pid, 'SIGKILL');
      else this.child.kill('SIGKILL');
    } catch {
      // Nobody of the group is left.
    }
    await this.gone;
  }

  private take(raw: unknown): void {
    const parsed = fromActor.safeParse(raw);
    if (parsed.success) this.handle(parsed.data);
    else this.breakDown(`said something unknown: ${parsed.error.message}`);
  }

  private handle(message: FromActor): void {
    switch (message.kind) {
      case 'ready':
        this.ready.resolve(undefined);
        return;
      case 'done':
        this.takeCall(message.id)?.resolve(message.value);
        return;
      case 'failed': {
        const { id, code, message: text, remedy } = message;
        const error = new InterlockError({
          ...{ code, message: `${this.name}: ${text}` },
          ...(remedy === undefined ? {} : { remedy }),
        });
        if (id === null) this.fail(error);
        else this.takeCall(id)?.reject(error);
      }
    }
  }

  private takeCall(id: number): Deferred<JsonValue> | undefined {
    const call = this.calls.get(id);
    this.calls.delete(id);
    return call;
  }

  private breakDown(what: string): void {
    this.fail(
      new InterlockError({
        code: 'internal',
        message: `The process of ${this.name} (${this.child.pid ?? 'not started'}) ${what}.`,
        remedy: 'Run the simulation again; its keys were removed.',
      }),
    );
  }

  private fail(error: InterlockError): void {
    this.ready.reject(error);
    this.failCalls(error);
    this.onFailure(error);
  }

  private failCalls(error: InterlockError): void {
    for (const call of this.calls.values()) call.reject(error);
    this.calls.clear();
  }
}
