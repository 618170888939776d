import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import * as z from 'zod';

/** A batch of ticks is 50 kB: so many jobs are read at one time. */
const JOBS_PER_READ = 100;

const batch = z.object({
  ticks: z.array(z.object({ symbol: z.string(), seq: z.number().int() })),
});

export interface TickCount {
  /** Different ticks. */
  distinct: number;
  /** Numbers between the first and the last one of their symbol that are not there. */
  missing: number;
  /** Ticks that are there once more. */
  doubled: number;
}

/** The ticks in the jobs of a queue that nobody works on: what came in, as it stands in Redis. */
export class QueuedTicks {
  private readonly seqs = new Map<string, number[]>();

  private constructor(
    private readonly redis: Redis,
    private readonly queue: Queue,
  ) {}

  /** @param isPaused there are workers: the queue is paused for good */
  static async open(
    redis: Redis,
    name: string,
    { prefix, isPaused }: { prefix: string; isPaused: boolean },
  ): Promise<QueuedTicks> {
    const queue = new Queue(name, { connection: redis, prefix });
    if (isPaused) await queue.pause();
    return new QueuedTicks(redis, queue);
  }

  /** Takes all jobs that are there now out of the queue, and remembers their ticks. */
  async collect(): Promise<void> {
    for (const list of ['wait', 'paused']) await this.collectFrom(this.queue.toKey(list));
  }

  /** Of everything that was collected. */
  count(): TickCount {
    const sum: TickCount = { distinct: 0, missing: 0, doubled: 0 };
    for (const seqs of this.seqs.values()) {
      const { size } = new Set(seqs);
      let first = Infinity;
      let last = -Infinity;
      for (const seq of seqs) {
        first = Math.min(first, seq);
        last = Math.max(last, seq);
      }
      sum.distinct += size;
      sum.missing += last - first + 1 - size;
      sum.doubled += seqs.length - size;
    }
    return sum;
  }

  async close(): Promise<void> {
    await this.queue.close();
  }

  /** New jobs come in on the left; what is read lies on the right. */
  private async collectFrom(key: string): Promise<void> {
    const length = await this.redis.llen(key);
    if (length === 0) return;
    const ids = await this.redis.lrange(key, -length, -1);
    for (let from = 0; from < ids.length; from += JOBS_PER_READ) {
      await this.take(ids.slice(from, from + JOBS_PER_READ));
    }
    await this.redis.ltrim(key, 0, -(length + 1));
  }

  private async take(ids: readonly string[]): Promise<void> {
    const keys = ids.map((id) => this.queue.toKey(id));
    const texts = await Promise.all(keys.map((key) => this.redis.hget(key, 'data')));
    for (const text of texts) {
      for (const { symbol, seq } of batch.parse(JSON.parse(text ?? '')).ticks)
        this.add(symbol, seq);
    }
    await this.redis.unlink(...keys);
  }

  private add(symbol: string, seq: number): void {
    const seqs = this.seqs.get(symbol);
    if (seqs === undefined) this.seqs.set(symbol, [seq]);
    else seqs.push(seq);
  }
}
