import type { Clock, Timer } from '../common/clock.ts';
import type { Random } from '../common/random.ts';
import { KeyWalk } from '../redis/keyWalk.ts';
import type { RedisClient } from '../redis/redisClient.ts';

/** Who holds a key space says so; one whose mark has ended was left behind by a process that died. */
const MARK_TTL_MS = 60_000;
const MARK_INTERVAL_MS = 15_000;
const SCAN_COUNT = 1_000;

/**
 * A key space for one simulation on a real Redis, next to the real keys and apart from them. Its
 * prefix carries a hash tag, so that all of it is in one slot of a Cluster.
 */
export class ThrowAwaySpace {
  private timer: Timer | undefined;

  private constructor(
    private readonly redis: RedisClient,
    private readonly registry: string,
    private readonly clock: Clock,
    readonly prefix: string,
  ) {}

  /** Opens a new one, after removing those that were left behind. */
  static async open(
    redis: RedisClient,
    configPrefix: string,
    { clock, random }: { clock: Clock; random: Random },
  ): Promise<ThrowAwaySpace> {
    const registry = `${configPrefix}:interlock:simulations`;
    await removeLeftBehind(redis, registry);
    const space = new ThrowAwaySpace(redis, registry, clock, newPrefix(random));
    await redis.set(markOf(space.prefix), '1', 'PX', MARK_TTL_MS);
    await redis.sadd(registry, space.prefix);
    space.keepMark();
    return space;
  }

  /** Removes every key of it. */
  async remove(): Promise<void> {
    this.timer?.cancel();
    await removeSpace(this.redis, this.registry, this.prefix);
  }

  private keepMark(): void {
    this.timer = this.clock.setTimeout(() => {
      // When Redis is away the simulation fails by itself.
      this.redis.pexpire(markOf(this.prefix), MARK_TTL_MS).catch(() => undefined);
      this.keepMark();
    }, MARK_INTERVAL_MS);
  }
}

async function removeLeftBehind(redis: RedisClient, registry: string): Promise<void> {
  for (const prefix of await redis.smembers(registry)) {
    if ((await redis.exists(markOf(prefix))) === 0) await removeSpace(redis, registry, prefix);
  }
}

async function removeSpace(redis: RedisClient, registry: string, prefix: string): Promise<void> {
  const walk = new KeyWalk(redis, `${prefix}:*`, SCAN_COUNT);
  for (let ended = false; !ended;) {
    const { keys, isLast } = await walk.step();
    if (keys.length > 0) await redis.unlink(...keys);
    ended = isLast;
  }
  await redis.srem(registry, prefix);
}

function newPrefix(random: Random): string {
  const name = Math.floor(random() * 36 ** 10).toString(36);
  return `{interlock-simulation-${name}}`;
}

function markOf(prefix: string): string {
  return `${prefix}:alive`;
}
