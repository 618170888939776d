import { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { InterlockError } from '../common/errors.ts';
import type { Config } from '../config/schema.ts';

/** BullMQ's order of delayed jobs: the time they are due, and a counter in the low 12 bits. */
const DELAYED_SCORE_PER_MS = 0x1000;

/** The queues of the config, opened when first used. */
export class QueueSet {
  private readonly queues = new Map<string, Queue>();

  constructor(
    private readonly redis: Redis,
    private readonly config: Config,
  ) {}

  /** Names in the order of the config: `default` first, then as declared. */
  names(): string[] {
    const declared = Object.values(this.config.jobs).map((type) => type.queue);
    return [...new Set(['default', ...declared])];
  }

  get(name: string): Queue {
    const known = this.queues.get(name);
    if (known !== undefined) return known;
    const queue = new Queue(name, { connection: this.redis, prefix: this.config.redis.prefix });
    queue.on('error', () => undefined);
    this.queues.set(name, queue);
    return queue;
  }

  /** @throws InterlockError `not_found` for a queue that the config does not name */
  require(name: string): Queue {
    if (this.names().includes(name)) return this.get(name);
    throw new InterlockError({
      code: 'not_found',
      message: `There is no queue "${name}".`,
      remedy: `Use one of ${this.names().join(', ')}.`,
      details: { queue: name },
    });
  }

  /** When delayed jobs of a queue are due, ms since the epoch; undefined for those that are not delayed. */
  async dueTimes(name: string, ids: string[]): Promise<(number | undefined)[]> {
    if (ids.length === 0) return [];
    const scores = await this.redis.zmscore(this.get(name).toKey('delayed'), ...ids);
    return scores.map((score) =>
      score === null ? undefined : Math.floor(Number(score) / DELAYED_SCORE_PER_MS),
    );
  }

  jobTypesOf(queue: string): string[] {
    return Object.entries(this.config.jobs)
      .filter(([, type]) => type.queue === queue)
      .map(([name]) => name);
  }
}
