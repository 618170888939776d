import type { Clock, Timer } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import type { QueueSet } from './queueSet.ts';

/** A queue is made seldom, and a search goes over all keys. */
const SEARCH_INTERVAL_MS = 15_000;

/** Looks now and then for queues that other BullMQ programs made on this Redis. */
export class QueueSearch {
  private timer: Timer | undefined;
  private closed = false;

  constructor(
    private readonly queues: QueueSet,
    private readonly clock: Clock,
    private readonly logger: Logger,
    private readonly onFound: (queue: string) => void,
  ) {}

  start(): void {
    void this.search();
  }

  close(): void {
    this.closed = true;
    this.timer?.cancel();
  }

  private async search(): Promise<void> {
    try {
      for (const queue of await this.queues.discover()) this.onFound(queue);
    } catch (error) {
      this.logger.debug({ why: messageOf(error) }, 'queues not searched for');
    }
    if (this.closed) return;
    this.timer = this.clock.setTimeout(() => void this.search(), SEARCH_INTERVAL_MS);
  }
}
