import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const FEED_SERVER = fileURLToPath(
  new URL('../../../examples/market/feed/feedServer.mjs', import.meta.url),
);

/** What `once` answers: the first argument is the message. */
const started = z.tuple([z.object({ port: z.number() })]).rest(z.unknown());

/** The feed server of the example in a process of its own, to be killed and frozen. */
export class FeedProcess {
  private constructor(
    private readonly child: ChildProcess,
    readonly port: number,
  ) {}

  /** @param port left out: one that is free */
  static async start(port = 0, ratePerSecond = 400): Promise<FeedProcess> {
    const child = fork(FEED_SERVER, ['--port', String(port), '--rate', String(ratePerSecond)], {
      execArgv: [],
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    const [{ port: actual }] = started.parse(await once(child, 'message'));
    return new FeedProcess(child, actual);
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/ticks`;
  }

  freeze(): void {
    this.child.kill('SIGSTOP');
  }

  unfreeze(): void {
    this.child.kill('SIGCONT');
  }

  /** kill -9; harmless when it is gone already. */
  async kill(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
