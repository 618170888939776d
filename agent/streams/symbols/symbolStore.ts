import * as z from 'zod';
import { InterlockError, messageOf } from '../../common/errors.ts';
import { parseJson } from '../../common/json.ts';
import type { Keys } from '../../redis/keys.ts';
import type { RedisClient } from '../../redis/redisClient.ts';
import type { Scripts } from '../../redis/scripts.ts';
import type { SymbolPlan } from './symbolPlan.ts';

const planSchema = z.object({
  configured: z.array(z.string()),
  perConnection: z.number().int().positive(),
  shards: z.array(z.array(z.string())),
  cut: z.array(z.string()),
  aliases: z.array(z.object({ symbol: z.string(), of: z.string() })),
});

/** A plan as it stands in Redis. Its revision grows with each change. */
export interface StoredPlan {
  revision: number;
  plan: SymbolPlan;
}

/** Another agent may change the plan at the same moment: then it is read and changed again. */
const MAX_TRIES = 20;

/** The symbol plans of the streams, in Redis, for every agent. */
export class SymbolStore {
  constructor(
    private readonly redis: RedisClient,
    private readonly scripts: Scripts,
    private readonly keys: Keys,
  ) {}

  /** The revision of each plan; 0 = there is none. @throws InterlockError `redis_unreachable` */
  async revisions(streams: readonly string[]): Promise<Map<string, number>> {
    const found = await Promise.all(
      streams.map((stream) => this.redis.hget(this.keys.streamPlan(stream), 'revision')),
    ).catch(explain('read'));
    return new Map(streams.map((stream, index) => [stream, Number(found[index] ?? 0)]));
  }

  /** @returns undefined when there is none that can be read. @throws InterlockError `redis_unreachable` */
  async read(stream: string): Promise<StoredPlan | undefined> {
    const { revision, plan } = await this.readRaw(stream);
    return plan === undefined ? undefined : { revision, plan };
  }

  /**
   * Reads, changes and writes a plan, so that no change of another agent in between is lost.
   * @param change pure: it may be called more than once; the same plan back = nothing is written
   * @throws InterlockError `redis_unreachable`
   */
  async change<T extends { plan: SymbolPlan }>(
    stream: string,
    change: (before: SymbolPlan | undefined) => T,
  ): Promise<StoredPlan & { result: T }> {
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const before = await this.readRaw(stream);
      const result = change(before.plan);
      const text = JSON.stringify(result.plan);
      if (before.plan !== undefined && text === JSON.stringify(before.plan)) {
        return { revision: before.revision, plan: before.plan, result };
      }
      const revision = await this.write(stream, before.revision, text);
      if (revision > 0) return { revision, plan: result.plan, result };
    }
    throw new InterlockError({
      code: 'conflict',
      message: `The symbols of the stream "${stream}" are changed by others all the time.`,
      remedy: 'Try again.',
    });
  }

  private async readRaw(
    stream: string,
  ): Promise<{ revision: number; plan: SymbolPlan | undefined }> {
    const key = this.keys.streamPlan(stream);
    const [revision, text] = await this.redis.hmget(key, 'revision', 'plan').catch(explain('read'));
    // Broken, or of a version that wrote it differently: it is made anew from the config.
    const plan = planSchema.safeParse(parseJson(text ?? '')).data;
    return { revision: Number(revision ?? 0), plan };
  }

  private async write(stream: string, expected: number, text: string): Promise<number> {
    const { keys, scripts } = this;
    const answer = await scripts
      .run(
        'writeStreamPlan',
        [keys.streamPlan(stream), keys.streamAsks],
        [expected, text, planAsk(stream)],
      )
      .catch(explain('written'));
    return z.number().int().parse(answer);
  }
}

/** What tells every agent that a plan changed: an entry of the stream of asks. */
function planAsk(stream: string): string {
  return JSON.stringify({ ask: 'plan', stream });
}

function explain(what: 'read' | 'written'): (error: unknown) => never {
  return (error) => {
    throw new InterlockError({
      code: 'redis_unreachable',
      message: `The symbols of a stream can not be ${what} in Redis: ${messageOf(error)}.`,
      remedy: 'Check that Redis runs ("interlock doctor"), then try again.',
      cause: error,
    });
  };
}
