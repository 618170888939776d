import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import * as path from 'node:path';
import { sideAnswer, type SideFigures, type SideRequest } from './sideProtocol.ts';

/** A process of one side of a comparison, as the benchmark sees it. */
export class Side {
  private readonly waiting = new Map<
    number,
    { resolve: (figures: SideFigures) => void; reject: (error: Error) => void }
  >();
  private lastId = 0;

  private constructor(private readonly child: ChildProcess) {
    child.on('message', (received: unknown) => {
      const { id, figures, error } = sideAnswer.parse(received);
      const call = this.waiting.get(id);
      this.waiting.delete(id);
      if (error === null) call?.resolve(figures);
      else call?.reject(new Error(error));
    });
    child.once('exit', () => {
      for (const call of this.waiting.values()) call.reject(new Error('the process has ended'));
      this.waiting.clear();
    });
  }

  /** @param program `ourSide.js` or `peerSide.mjs`, beside this program */
  static async start(program: string, args: string[]): Promise<Side> {
    const child = fork(path.join(import.meta.dirname, program), args, {
      // BullMQ warns of its own listeners when it has many processes.
      execArgv: ['--expose-gc', '--no-warnings'],
    });
    await once(child, 'spawn');
    return new Side(child);
  }

  /** @returns how long it took, ms */
  async ask(request: SideRequest): Promise<number> {
    return (await this.measure(request)).ms;
  }

  measure(request: SideRequest): Promise<SideFigures> {
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      this.child.send({ id, request });
    });
  }

  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const ended = once(this.child, 'exit');
    this.child.disconnect();
    await ended;
  }
}
