import type { RedisClient } from '../redis/redisClient.ts';

/** What Redis counted of the runs of a race. */
export interface ProbeCounts {
  runs: number;
  maxConcurrentRuns: number;
}

/**
 * Counts runs in Redis, not by the clocks of the processes that run: Redis puts starts and ends into
 * one order. Each start learns how many run at that instant; the largest answer is the most at one time.
 */
export class RunProbe {
  private readonly counters: string;
  private readonly peaks: string;

  constructor(
    private readonly redis: RedisClient,
    prefix: string,
  ) {
    this.counters = `${prefix}:probe:counters`;
    this.peaks = `${prefix}:probe:peaks`;
  }

  async start(): Promise<void> {
    const [runningNow] = await Promise.all([
      this.redis.hincrby(this.counters, 'running', 1),
      this.redis.hincrby(this.counters, 'runs', 1),
    ]);
    await this.redis.zadd(this.peaks, runningNow, `${runningNow}`);
  }

  async end(): Promise<void> {
    await this.redis.hincrby(this.counters, 'running', -1);
  }

  async read(): Promise<ProbeCounts> {
    const runs = await this.redis.hget(this.counters, 'runs');
    const [peak] = await this.redis.zrange(this.peaks, -1, -1);
    return { runs: Number(runs ?? 0), maxConcurrentRuns: Number(peak ?? 0) };
  }
}
