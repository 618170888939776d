import type { Job } from 'bullmq';
import * as z from 'zod';
import type { Clock } from '../common/clock.ts';
import { parseJson } from '../common/json.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';

/** An offered job that nobody takes runs as usual after that time. */
const OFFER_MS = 2_000;

/** The next ones come: so many are looked at in one turn. */
const MOST_AT_ONCE = 20;

const offer = z.object({ queue: z.string(), id: z.string(), type: z.string() });

export type DebugOffer = z.infer<typeof offer>;

/**
 * How a job reaches the agent whose debugger waits for it, whichever agent's worker BullMQ gave it
 * to: that worker puts it aside for a moment, and says so.
 */
export class DebugOffers {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly clock: Clock,
    private readonly selfId: string,
  ) {}

  /** Puts a job aside that this agent has taken. It uses up no attempt. */
  async give(agentId: string, job: Job, token: string): Promise<void> {
    await job.moveToDelayed(this.clock.now() + OFFER_MS, token);
    const key = this.keys.debugOffers(agentId);
    const given: DebugOffer = { queue: job.queueName, id: job.id ?? '', type: job.name };
    await this.redis.rpush(key, JSON.stringify(given));
    await this.redis.pexpire(key, OFFER_MS);
  }

  /** What others offered to this agent. */
  async take(): Promise<DebugOffer[]> {
    const found = await this.redis.lpop(this.keys.debugOffers(this.selfId), MOST_AT_ONCE);
    return (found ?? []).flatMap((text) => offer.safeParse(parseJson(text)).data ?? []);
  }
}
