import { deferred, type Deferred } from '../../common/deferred.ts';

/** In the payload of a ping. A server sends it back as it came (RFC 6455, 5.5.3). */
const MARK = /^read-(\d{1,15})$/;

/**
 * Numbered pings. A socket keeps order: with the pong to one of them, all that the server had sent
 * before it read the ping has been read here.
 */
export class ReadMarks {
  private last = 0;
  private readonly waiting = new Map<number, Deferred<undefined>>();

  /** @returns what the ping has to carry, and when its pong is there or none can come any more */
  set(): { payload: Buffer; reached: Promise<unknown> } {
    this.last += 1;
    const reached = deferred<undefined>();
    this.waiting.set(this.last, reached);
    return { payload: Buffer.from(`read-${this.last}`), reached: reached.promise };
  }

  /** A server may answer the last of several pings only: those before it are reached with it. */
  onPong(payload: Buffer): void {
    if (this.waiting.size === 0) return;
    this.reach(Number(MARK.exec(payload.toString('latin1'))?.[1] ?? 0));
  }

  /** The socket is gone: nothing more comes. */
  end(): void {
    this.reach(Infinity);
  }

  private reach(mark: number): void {
    for (const [waited, reached] of this.waiting) {
      if (waited > mark) continue;
      this.waiting.delete(waited);
      reached.resolve(undefined);
    }
  }
}
