import type { Redis } from 'ioredis';
import { mastersOf, type RedisClient } from './redisClient.ts';

/**
 * Walks through the keys that match a pattern, bit by bit, over every master of a Cluster. It goes
 * round: after the last key the first one follows.
 */
export class KeyWalk {
  private cursor = '0';
  private address = '';
  /** Servers that this round has been through. */
  private readonly done = new Set<string>();

  /**
   * @param pattern as Redis' SCAN takes it
   * @param keysPerStep keys that Redis looks at in one step: it does nothing else meanwhile
   */
  constructor(
    private readonly redis: RedisClient,
    private readonly pattern: string,
    private readonly keysPerStep: number,
  ) {}

  /**
   * The next keys; one may be told twice. `isLast`: with these the round has seen every key.
   * @throws when Redis is away; the next step goes on
   */
  async step(): Promise<{ keys: string[]; isLast: boolean }> {
    const masters = await mastersOf(this.redis);
    const server = this.serverOf(masters);
    const [cursor, keys] = await server.scan(
      ...([this.cursor, 'MATCH', this.pattern, 'COUNT', this.keysPerStep] as const),
    );
    this.cursor = cursor;
    if (cursor === '0') this.done.add(this.address);
    const isLast = masters.every((one) => this.done.has(addressOf(one)));
    if (isLast) this.done.clear();
    return { keys, isLast };
  }

  /** The one it is at; when that is no master any more, one of those that are left. */
  private serverOf(masters: Redis[]): Redis {
    const left = masters.filter((one) => !this.done.has(addressOf(one)));
    const current = left.find((one) => addressOf(one) === this.address);
    if (current !== undefined) return current;
    const [next = masters[0]] = left;
    if (next === undefined) throw new Error('Connection is closed: there is no server to look at');
    this.cursor = '0';
    this.address = addressOf(next);
    return next;
  }
}

function addressOf({ options }: Redis): string {
  return `${options.host ?? ''}:${options.port ?? ''}`;
}

/** A text in which nothing is a pattern. */
export function literalPattern(text: string): string {
  return text.replaceAll(/[*?[\]\\]/g, '\\$&');
}
