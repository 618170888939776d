import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Clock, Timer } from '../common/clock.ts';
import { holder as holderSchema, type Holder } from '../protocol/decision.ts';
import { isHolderAlive } from './processIdentity.ts';

const HEARTBEAT_MS = 5_000;
/** An entry without a heartbeat for that long is of an agent that is gone. */
const EXPIRY_MS = 60_000;

const entrySchema = holderSchema.extend({ heartbeatMs: z.number() });

/** Who the agents on this Redis are, so that a job's worker can be named. */
export class AgentRegistry {
  private timer: Timer | undefined;
  private closed = false;

  constructor(
    private readonly redis: Redis,
    private readonly key: string,
    private readonly holder: Holder,
    private readonly clock: Clock,
  ) {}

  /** Writes our entry now and keeps it fresh. */
  async start(): Promise<void> {
    await this.beat();
    // What agents that are gone left behind is removed on the way.
    await this.list();
  }

  /** Every agent whose entry is fresh, and that is not known to be dead. */
  async list(): Promise<Holder[]> {
    const entries = await this.redis.hgetall(this.key);
    const holders: Holder[] = [];
    for (const [agentId, text] of Object.entries(entries)) {
      const entry = parseEntry(text);
      const alive = entry === undefined ? false : isHolderAlive(entry);
      const fresh = entry !== undefined && this.clock.now() - entry.heartbeatMs < EXPIRY_MS;
      if (entry === undefined || alive === false || !fresh)
        await this.redis.hdel(this.key, agentId);
      else holders.push(holderSchema.parse({ ...entry, alive }));
    }
    return holders;
  }

  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    await this.redis.hdel(this.key, this.holder.agentId).catch(() => undefined);
  }

  private async beat(): Promise<void> {
    const entry = { ...this.holder, heartbeatMs: this.clock.now() };
    try {
      await this.redis.hset(this.key, this.holder.agentId, JSON.stringify(entry));
    } catch {
      // Redis is away: the next beat writes it.
    }
    if (!this.closed) this.timer = this.clock.setTimeout(() => void this.beat(), HEARTBEAT_MS);
  }
}

function parseEntry(text: string): z.infer<typeof entrySchema> | undefined {
  try {
    return entrySchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
