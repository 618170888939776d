import { fork, type ChildProcess } from 'node:child_process';
import * as path from 'node:path';
import { deferred, type Deferred } from '../common/deferred.ts';
import { InterlockError, messageOf } from '../common/errors.ts';
import { fromRacer, type FromRacer, type RacerSetup, type ToRacer } from './racerMessages.ts';

export interface RacerAnswers {
  accepted: number;
  refusedByLayer: Record<string, number>;
}

/** A process of a race, seen from who started it. */
export class Racer {
  private readonly ready = deferred<undefined>();
  private readonly answered = deferred<RacerAnswers>();
  private readonly exited: Promise<void>;
  private expectedToEnd = false;

  private constructor(
    private readonly child: ChildProcess,
    private readonly onProgress: (answered: number) => void,
  ) {
    // Who waits for one of them sees the failure; nobody has to wait for both.
    this.ready.promise.catch(() => undefined);
    this.answered.promise.catch(() => undefined);
    this.exited = new Promise((resolve) => child.once('close', () => resolve()));
    child.on('message', (raw) => this.take(raw));
    child.on('error', (error) => this.fail(`can not be started: ${messageOf(error)}`));
    child.once('exit', (code, signal) => {
      if (!this.expectedToEnd) this.fail(`ended with ${signal ?? `code ${code ?? '?'}`}`);
    });
  }

  static start(setup: RacerSetup, onProgress: (answered: number) => void): Racer {
    const child = fork(racerProgram(), [], {
      // No inspector of ours: two processes can not share its port.
      execArgv: [],
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' },
    });
    const racer = new Racer(child, onProgress);
    racer.send(setup);
    return racer;
  }

  /** @throws InterlockError what kept it from getting ready */
  whenReady(): Promise<undefined> {
    return this.ready.promise;
  }

  /** @throws InterlockError when it failed or ended before all its attempts were answered */
  whenAnswered(): Promise<RacerAnswers> {
    return this.answered.promise;
  }

  send(message: ToRacer): void {
    if (message.kind === 'finish') this.expectedToEnd = true;
    if (this.child.connected) this.child.send(message, () => undefined);
  }

  /** Resolves when the process is gone. */
  whenGone(): Promise<void> {
    return this.exited;
  }

  async kill(): Promise<void> {
    this.expectedToEnd = true;
    if (this.child.pid === undefined) return;
    this.child.kill('SIGKILL');
    await this.exited;
  }

  private take(raw: unknown): void {
    const parsed = fromRacer.safeParse(raw);
    if (!parsed.success) {
      this.fail(`said something unknown: ${parsed.error.message}`);
      return;
    }
    this.handle(parsed.data);
  }

  private handle(message: FromRacer): void {
    switch (message.kind) {
      case 'ready':
        this.ready.resolve(undefined);
        return;
      case 'progress':
        this.onProgress(message.answered);
        return;
      case 'answered':
        this.answered.resolve(message);
        return;
      case 'failed': {
        const { code, message: text, remedy } = message;
        this.reject(
          new InterlockError({ code, message: text, ...(remedy === undefined ? {} : { remedy }) }),
        );
      }
    }
  }

  private fail(what: string): void {
    this.reject(
      new InterlockError({
        code: 'internal',
        message: `A process of the race (${this.child.pid ?? 'not started'}) ${what}.`,
        remedy: 'Run the simulation again; its keys were removed.',
      }),
    );
  }

  private reject(error: InterlockError): void {
    for (const waiting of [this.ready, this.answered] satisfies Pick<
      Deferred<unknown>,
      'reject'
    >[]) {
      waiting.reject(error);
    }
  }
}

/** Beside this program in dist. */
function racerProgram(): string {
  return path.join(__dirname, 'racer.js');
}
