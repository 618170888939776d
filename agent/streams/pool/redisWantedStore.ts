import { InterlockError, messageOf } from '../../common/errors.ts';
import type { RedisClient } from '../../redis/redisClient.ts';
import type { WantedState, WantedStore } from './wantedStore.ts';

/** A Redis hash: field = stream, value = `running` or `stopped`. */
export class RedisWantedStore implements WantedStore {
  /** @param key the hash */
  constructor(
    private readonly redis: RedisClient,
    private readonly key: string,
  ) {}

  /** @throws InterlockError `redis_unreachable` */
  async get(): Promise<Record<string, WantedState>> {
    const wanted: Record<string, WantedState> = {};
    const hash = await this.redis.hgetall(this.key).catch(explain('read'));
    for (const [stream, value] of Object.entries(hash)) {
      // Anything else was not written by this version: the default holds for it.
      if (value === 'running' || value === 'stopped') wanted[stream] = value;
    }
    return wanted;
  }

  /** @throws InterlockError `redis_unreachable` */
  async set(stream: string, value: WantedState): Promise<WantedState> {
    const answers = await this.redis
      .multi()
      .hget(this.key, stream)
      .hset(this.key, stream, value)
      .exec()
      .catch(explain('written'));
    const [[failure, before] = []] = answers ?? [];
    if (failure instanceof Error) explain('written')(failure);
    return before === 'stopped' ? 'stopped' : 'running';
  }
}

function explain(what: 'read' | 'written'): (error: unknown) => never {
  return (error) => {
    throw new InterlockError({
      code: 'redis_unreachable',
      message: `Which streams are wanted can not be ${what} in Redis: ${messageOf(error)}.`,
      remedy: 'Check that Redis runs ("interlock doctor"), then try again.',
      cause: error,
    });
  };
}
