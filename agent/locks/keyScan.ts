import type { Redis } from 'ioredis';
import type { Clock } from '../common/clock.ts';

/** Keys that Redis looks at in one step: it does nothing else meanwhile, for about 0.3 ms. */
const KEYS_PER_STEP = 1_000;
/** A look ends there; the next one goes on where it ended. */
const STEPS_PER_LOOK = 50;
/** So many keys are remembered. */
const MAX_FOUND = 50_000;

/** The keys that match a pattern, found by looking through all keys bit by bit. */
export class KeyScan {
  private cursor = '0';
  /** Of the last pass through all keys, and of the one that goes on. */
  private readonly found = { before: new Set<string>(), now: new Set<string>() };
  private lookedAt = -Infinity;
  private looking: Promise<void> | undefined;

  /** @param pattern as Redis' SCAN takes it */
  constructor(
    private readonly redis: Redis,
    private readonly pattern: string,
    private readonly clock: Clock,
  ) {}

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
      const [cursor, keys] = await this.redis.scan(
        ...([this.cursor, 'MATCH', this.pattern, 'COUNT', KEYS_PER_STEP] as const),
      );
      this.cursor = cursor;
      for (const key of keys) if (found.now.size < MAX_FOUND) found.now.add(key);
      if (cursor !== '0') continue;
      found.before = found.now;
      found.now = new Set();
      break;
    }
    this.lookedAt = startedAt;
  }
}

/** A text in which nothing is a pattern. */
export function literalPattern(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, '\\$&');
}
