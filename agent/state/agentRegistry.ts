import type { Cluster, Redis } from 'ioredis';
import * as z from 'zod';
import type { Clock, Timer } from '../common/clock.ts';
import type { Holder } from '../protocol/decision.ts';
import { readHolder } from './readHolder.ts';

const HEARTBEAT_MS = 5_000;

/** What an agent wrote about itself. */
export interface AgentEntry {
  agentId: string;
  /** As it stands in Redis: it changes with each heartbeat. */
  text: string;
  /** null when it can not be read. */
  holder: Holder | null;
  /** Ids of its BullMQ workers: the tokens of their locks begin with one. */
  workers: string[];
  /** Streams that it can run; none while it leaves. */
  streams: string[];
  /** What is debugged there, as it wrote it. */
  debugs: unknown;
  /** When it was written, by the clock of its host; null when it is not told. */
  heartbeatMs: number | null;
}

/** What an agent tells of itself besides who it is. */
export interface AgentFacts {
  workers: readonly string[];
  streams: readonly string[];
  debugs: readonly unknown[];
}

const entries = z.record(z.string(), z.string());
const factsSchema = z.object({
  workers: z.array(z.string()).default([]),
  streams: z.array(z.string()).default([]),
  debugs: z.unknown().default([]),
  heartbeatMs: z.number().nullable().default(null),
});
const NO_FACTS = { workers: [], streams: [], debugs: [], heartbeatMs: null };

/** Who the agents on this Redis are, so that a job's worker can be named. */
export class AgentRegistry {
  private timer: Timer | undefined;
  private closed = false;
  private facts: AgentFacts = { workers: [], streams: [], debugs: [] };

  constructor(
    private readonly redis: Redis | Cluster,
    private readonly key: string,
    private readonly holder: Holder,
    private readonly clock: Clock,
  ) {}

  /** Writes our entry now and keeps it fresh. */
  async start(): Promise<void> {
    await this.beat();
  }

  /**
   * Tells which BullMQ workers are ours, so that others can prove whose a lock is, and which streams
   * we can run.
   */
  async announce(facts: Partial<AgentFacts>): Promise<void> {
    this.facts = { ...this.facts, ...facts };
    this.timer?.cancel();
    await this.beat();
  }

  /**
   * Every agent that has an entry, those that are gone too: their jobs are found by it. The reaper
   * removes it afterwards.
   */
  async list(): Promise<AgentEntry[]> {
    const found = entries.parse(await this.redis.hgetall(this.key));
    return Object.entries(found).map(([agentId, text]) => ({
      ...{ agentId, text },
      holder: readHolder(text, this.holder.hostId),
      ...readFacts(text),
    }));
  }

  async close(): Promise<void> {
    this.closed = true;
    this.timer?.cancel();
    await this.redis.hdel(this.key, this.holder.agentId).catch(() => undefined);
  }

  /** A method: it may have been closed while a call was under way. */
  private isClosed(): boolean {
    return this.closed;
  }

  private async beat(): Promise<void> {
    if (this.isClosed()) return;
    const entry = { ...this.holder, ...this.facts, heartbeatMs: this.clock.now() };
    try {
      await this.redis.hset(this.key, this.holder.agentId, JSON.stringify(entry));
    } catch {
      // Redis is away: the next beat writes it.
    }
    if (this.isClosed()) return;
    this.timer?.cancel();
    this.timer = this.clock.setTimeout(() => void this.beat(), HEARTBEAT_MS);
  }
}

function readFacts(text: string): z.infer<typeof factsSchema> {
  try {
    return factsSchema.safeParse(JSON.parse(text)).data ?? NO_FACTS;
  } catch {
    return NO_FACTS;
  }
}
