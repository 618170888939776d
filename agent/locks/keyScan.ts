import type { Clock } from '../common/clock.ts';
import { KeyWalk } from '../redis/keyWalk.ts';
import type { RedisClient } from '../redis/redisClient.ts';

/** Keys that Redis looks at in one step: it does nothing else meanwhile, for about 0.3 ms. */
const KEYS_PER_STEP = 1_000;
/** A look ends there; the next one goes on where it ended. */
const STEPS_PER_LOOK = 50;
/** So many keys are remembered. */
const MAX_FOUND = 50_000;

/** The keys that match a pattern, found by looking through all keys bit by bit. */
export class KeyScan {
  private readonly walk: KeyWalk;
  /** Of the last pass through all keys, and of the one that goes on. */
  private readonly found = { before: new Set<string>(), now: new Set<string>() };
  private lookedAt = -Infinity;
  private looking: Promise<void> | undefined;

  /** @param pattern as Redis' SCAN takes it */
  constructor(
    redis: RedisClient,
    pattern: string,
    private readonly clock: Clock,
  ) {
    this.walk = new KeyWalk(redis, pattern, KEYS_PER_STEP);
  }

  /** What is known; looks again when the last look is older than `maxAgeMs`. */
  async keys(maxAgeMs: number): Promise<Set<string>> {
    if (this.clock.monotonic() - this.lookedAt >= maxAgeMs) {
      this.looking ??= this.look().finally(() => (this.looking = undefined));
      await this.looking;
    }
    return new Set([...this.found.before, ...this.found.now]);
  }

  private async look(): Promise<void> {
    const startedAt = this.clock.monotonic();
    const { found } = this;
    for (let step = 0; step < STEPS_PER_LOOK; step += 1) {
      const { keys, isLast } = await this.walk.step();
      for (const key of keys) if (found.now.size < MAX_FOUND) found.now.add(key);
      if (!isLast) continue;
      found.before = found.now;
      found.now = new Set();
      break;
    }
    this.lookedAt = startedAt;
  }
}
