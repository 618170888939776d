import { Queue, type Telemetry } from 'bullmq';
import { InterlockError } from '../common/errors.ts';
import type { Config } from '../config/schema.ts';
import { KeyWalk, literalPattern } from '../redis/keyWalk.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { rulesOf, type TypeRules } from './typeRules.ts';

/** BullMQ's order of delayed jobs: the time they are due, and a counter in the low 12 bits. */
const DELAYED_SCORE_PER_MS = 0x1000;

const SCAN_COUNT = 1_000;

/** The queues of the config, and those of other BullMQ programs on this Redis. Opened when first used. */
export class QueueSet {
  private readonly queues = new Map<string, Queue>();
  private readonly found = new Set<string>();

  constructor(
    private readonly redis: RedisClient,
    private readonly config: Config,
    private readonly telemetry?: Telemetry,
  ) {}

  /** Names in the order of the config: `default` first, then as declared, then what was found. */
  names(): string[] {
    const declared = Object.values(this.config.jobs).map((type) => type.queue);
    return [...new Set(['default', ...declared, ...[...this.found].sort()])];
  }

  /**
   * Looks for queues that other programs made: BullMQ keeps a key `<prefix>:<queue>:meta` of each.
   * @returns the names that were not known before
   */
  async discover(): Promise<string[]> {
    const known = new Set(this.names());
    const { prefix } = this.config.redis;
    const walk = new KeyWalk(this.redis, `${literalPattern(prefix)}:*:meta`, SCAN_COUNT);
    for (let ended = false; !ended;) {
      const { keys, isLast } = await walk.step();
      for (const key of keys) {
        const name = key.slice(prefix.length + 1, -':meta'.length);
        // BullMQ allows no ":" in a queue's name: such a key is of something else.
        if (!name.includes(':')) this.found.add(name);
      }
      ended = isLast;
    }
    return this.names().filter((name) => !known.has(name));
  }

  get(name: string): Queue {
    const known = this.queues.get(name);
    if (known !== undefined) return known;
    const { redis, config, telemetry } = this;
    const queue = new Queue(name, {
      ...{ connection: redis, prefix: config.redis.prefix },
      // To look at a queue changes nothing: its own program may keep fewer events than BullMQ's default.
      skipMetasUpdate: true,
      ...(telemetry === undefined ? {} : { telemetry }),
    });
    queue.on('error', () => undefined);
    this.queues.set(name, queue);
    // BullMQ asks Redis for its version once. Without an answer this object never works again.
    queue.waitUntilReady().catch(() => this.forget(name, queue));
    return queue;
  }

  /**
   * A queue of which the connection has BullMQ's scripts.
   * @throws Error when Redis does not answer
   */
  async ready(name: string): Promise<Queue> {
    // A queue that is made while the connection is lost waits for it without end. This fails soon.
    await this.redis.ping();
    const queue = this.get(name);
    await queue.waitUntilReady();
    return queue;
  }

  /** @throws InterlockError `not_found` for a queue that nobody made */
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

  /** The rules in force of a type of the config; undefined for a type of another program. */
  rulesOf(type: string): TypeRules | undefined {
    const { jobs, deduplication } = this.config;
    const declared = Object.hasOwn(jobs, type) ? jobs[type] : undefined;
    return declared === undefined ? undefined : rulesOf(declared, deduplication);
  }

  jobTypesOf(queue: string): string[] {
    return Object.entries(this.config.jobs)
      .filter(([, type]) => type.queue === queue)
      .map(([name]) => name);
  }

  private forget(name: string, queue: Queue): void {
    if (this.queues.get(name) === queue) this.queues.delete(name);
    queue.close().catch(() => undefined);
  }
}
