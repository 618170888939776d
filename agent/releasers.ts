import { messageOf } from './common/errors.ts';
import type { Logger } from './logging.ts';

/** What was started is ended in reverse order, each once, whatever fails on the way. */
export class Releasers {
  private readonly stack: { name: string; release: () => Promise<void> | void }[] = [];
  private releasing: Promise<void> | undefined;

  constructor(private readonly logger: Logger) {}

  add(name: string, release: () => Promise<void> | void): void {
    this.stack.push({ name, release });
  }

  releaseAll(): Promise<void> {
    this.releasing ??= this.run();
    return this.releasing;
  }

  private async run(): Promise<void> {
    for (let next = this.stack.pop(); next !== undefined; next = this.stack.pop()) {
      try {
        await next.release();
      } catch (error) {
        this.logger.warn({ part: next.name, why: messageOf(error) }, 'did not end cleanly');
      }
    }
  }
}
