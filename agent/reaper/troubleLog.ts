import { messageOf } from '../common/errors.ts';
import type { Logger } from '../logging.ts';

/** Tells the first of several failures in a row, and when they are over: Redis may be away for hours. */
export class TroubleLog {
  private last: string | undefined;

  constructor(
    private readonly logger: Logger,
    private readonly what: string,
  ) {}

  failed(error: unknown): void {
    if (this.last === undefined) this.logger.warn({ why: messageOf(error) }, `${this.what} pauses`);
    this.last = messageOf(error);
  }

  worked(): void {
    if (this.last !== undefined) this.logger.info(`${this.what} goes on`);
    this.last = undefined;
  }
}
