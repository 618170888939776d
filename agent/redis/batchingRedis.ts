import { Redis } from 'ioredis';

/**
 * Writes the commands of one turn of the event loop with one system call, where ioredis makes one
 * for each. Nothing waits for it: what has been asked for leaves as soon as the code that asks is
 * done. (ioredis' own auto-pipelining costs more than it saves with scripts like BullMQ's.)
 */
export class BatchingRedis extends Redis {
  private isCollecting = false;

  override sendCommand(...call: Parameters<Redis['sendCommand']>): unknown {
    const socket = this.stream;
    // There is none before the first connection.
    if (!this.isCollecting && (socket as typeof socket | undefined) !== undefined) {
      this.isCollecting = true;
      socket.cork();
      process.nextTick(() => {
        this.isCollecting = false;
        socket.uncork();
      });
    }
    return super.sendCommand(...call);
  }
}
