import * as z from 'zod';
import { parseJson, type JsonValue } from '../../common/json.ts';
import { holder } from '../../protocol/decision.ts';
import type { RedisClient } from '../../redis/redisClient.ts';

const stream = z.string();
const shard = z.number().int();
/** The agent that is meant; the others pass over it. */
const to = z.string();

/** What agents tell each other about streams. */
export const ask = z.discriminatedUnion('ask', [
  /** The symbols of a stream changed. */
  z.object({ ask: z.literal('plan'), stream }),
  /** A person wants it, of whoever holds the shard; null: of all shards. */
  z.object({
    ask: z.enum(['resume', 'rotate', 'restart']),
    ...{ stream, shard: shard.nullable() },
  }),
  /** Make a second connection for this shard: it is to become yours. */
  z.object({ ask: z.literal('take'), ...{ stream, shard, to, from: z.string() } }),
  /** The second connection is live: hand over. */
  z.object({
    ask: z.literal('ready'),
    ...{ stream, shard, to, heir: z.object({ token: z.string(), holder }) },
  }),
  /** It can not be made. */
  z.object({ ask: z.literal('declined'), ...{ stream, shard, to, why: z.string() } }),
  /** The shard is yours since this moment. What comes after these numbers was not sent. */
  z.object({
    ask: z.literal('passed'),
    ...{ stream, shard, to, token: z.string() },
    lastSeqs: z.record(z.string(), z.number()),
    /** For how long the old holder had not forwarded anything when it passed it on. */
    heldBackMs: z.number(),
    ...{ fence: z.number(), acquiredAtMs: z.number() },
  }),
]);

export type Ask = z.infer<typeof ask>;
export type AskOf<K extends Ask['ask']> = Extract<Ask, { ask: K }>;
/** What a person wants. */
export type SteeringAsk = Exclude<Ask, { ask: 'plan' | 'take' | 'ready' | 'declined' | 'passed' }>;

const MAX_KEPT = 1_000;
const MAX_READ = 1_000;

/** A Redis stream that every agent with streams follows, from the moment it joined. */
export class Asks {
  private position: string | undefined;
  private reading: Promise<Ask[]> = Promise.resolve([]);

  constructor(
    private readonly redis: RedisClient,
    private readonly key: string,
  ) {}

  /** @throws when Redis is away */
  async tell(body: Record<string, JsonValue>): Promise<void> {
    await this.redis.xadd(this.key, 'MAXLEN', '~', MAX_KEPT, '*', 'body', JSON.stringify(body));
  }

  /** What was told since the last call, in order; the first call only finds the place. */
  read(): Promise<Ask[]> {
    this.reading = this.reading.then(
      () => this.readOnce(),
      () => this.readOnce(),
    );
    return this.reading;
  }

  private async readOnce(): Promise<Ask[]> {
    if (this.position === undefined) {
      const newest = await this.redis.xrevrange(this.key, '+', '-', 'COUNT', 1);
      this.position = newest[0]?.[0] ?? '0-0';
      return [];
    }
    const entries = await this.redis.xrange(this.key, `(${this.position}`, '+', 'COUNT', MAX_READ);
    this.position = entries.at(-1)?.[0] ?? this.position;
    return entries.flatMap(([, fields]) => readAsk(fields[1]) ?? []);
  }
}

/** Of a newer version, or broken: it is not for us. */
function readAsk(text: string | undefined): Ask | undefined {
  return ask.safeParse(parseJson(text ?? '')).data;
}
