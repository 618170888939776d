import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';

/** A restarted agent sees an old alert anew: so long it is told by nobody a second time. */
const CLAIM_MS = 24 * 3_600_000;

/** Every agent sees every alert: of all of them one tells the world outside. */
export class AlertClaims {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly agentId: string,
  ) {}

  /** @returns whether it is ours to tell. @throws when Redis is away */
  async claim(id: string): Promise<boolean> {
    const key = this.keys.alertClaim(id);
    return (await this.redis.set(key, this.agentId, 'PX', CLAIM_MS, 'NX')) === 'OK';
  }

  /** It could not be told: another agent, or this one after a restart, may try. */
  async giveBack(id: string): Promise<void> {
    await this.redis.del(this.keys.alertClaim(id));
  }
}
