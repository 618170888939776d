import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import * as z from 'zod';
import { feedAnswer, feedGreeting, type FeedReport, type FeedRequest } from './feedProtocol.ts';

/** A feed in a process of its own, as the benchmark sees it. */
export class FeedProcess {
  private readonly waiting = new Map<number, (report: FeedReport) => void>();
  private lastId = 0;

  private constructor(
    private readonly child: ChildProcess,
    private readonly port: number,
  ) {
    child.on('message', (received: unknown) => {
      const { id, report } = feedAnswer.parse(received);
      this.waiting.get(id)?.(report);
      this.waiting.delete(id);
    });
  }

  /** @param program `poolFeed.mjs` or `handoverFeed.mjs`, beside this program */
  static async start(program: string): Promise<FeedProcess> {
    const child = fork(path.join(import.meta.dirname, program));
    const [greeting] = z.tuple([feedGreeting, z.unknown()]).parse(await once(child, 'message'));
    return new FeedProcess(child, greeting.port);
  }

  /** @param at which part of it; series of numbers are the same only within one */
  url(at = ''): string {
    return `ws://127.0.0.1:${this.port}/${at}`;
  }

  ask(request: FeedRequest): Promise<FeedReport> {
    const id = ++this.lastId;
    return new Promise((resolve) => {
      this.waiting.set(id, resolve);
      this.child.send({ id, request });
    });
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.disconnect();
    await gone;
  }
}
