import { sleep, type Clock } from '../common/clock.ts';
import { messageOf } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import type { RedisConnections } from './connections.ts';

/** Longer than a reconnect takes when only the connection was cut. */
const PATIENCE_MS = 1_000;

/** Brings the private server back when it dies under a living agent. Its data is on disk. */
export class PrivateServerGuard {
  private readonly stopping = new AbortController();
  private reviving: Promise<void> | undefined;

  constructor(
    private readonly connections: RedisConnections,
    private readonly ensureServer: () => Promise<unknown>,
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {
    connections.onStatusChange(() => this.look());
  }

  async close(): Promise<void> {
    this.stopping.abort();
    await this.reviving;
  }

  private look(): void {
    if (this.stopping.signal.aborted || this.connections.status().state === 'connected') return;
    this.reviving ??= this.revive().finally(() => (this.reviving = undefined));
  }

  private async revive(): Promise<void> {
    const { signal } = this.stopping;
    await sleep(this.clock, PATIENCE_MS, signal);
    while (!signal.aborted && this.connections.status().state !== 'connected') {
      try {
        await this.ensureServer();
        this.logger.warn('the private Redis was gone, and was started again');
      } catch (error) {
        this.logger.error({ why: messageOf(error) }, 'the private Redis can not be started again');
      }
      await sleep(this.clock, PATIENCE_MS, signal);
    }
  }
}
