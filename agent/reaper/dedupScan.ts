import * as z from 'zod';
import { KeyWalk, literalPattern } from '../redis/keyWalk.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import type { Scripts } from '../redis/scripts.ts';
import type { DedupFact } from './orphanFacts.ts';

const SCAN_COUNT = 1_000;
/** For one look of the regular kind: Redis does nothing else for about a millisecond in each call. */
const SCANS_PER_LOOK = 20;
const KEYS_PER_LOOK = 5_000;
/** Keys that one script looks at. */
const BATCH = 500;

const found = z.array(z.tuple([z.number(), z.string(), z.enum(['gone', 'finished'])]));

interface DedupKey {
  key: string;
  queue: string;
  id: string;
}

/** Looks for uniqueness keys of BullMQ whose job has ended. They have no list: only a scan finds them. */
export class DedupScan {
  private readonly walk: KeyWalk;

  constructor(
    private readonly redis: RedisClient,
    private readonly scripts: Scripts,
    private readonly keys: Keys,
  ) {
    this.walk = this.newWalk();
  }

  /** A bounded piece of the key space, from where the last one ended. */
  async scanSome(): Promise<DedupFact[]> {
    const facts: DedupFact[] = [];
    let seen = 0;
    for (let scans = 0; scans < SCANS_PER_LOOK && seen < KEYS_PER_LOOK; scans += 1) {
      const { keys, isLast } = await this.step(this.walk);
      seen += keys.length;
      facts.push(...(await this.orphansAmong(keys)));
      if (isLast) break;
    }
    return facts;
  }

  /** The whole key space, in small calls. */
  async scanAll(): Promise<DedupFact[]> {
    // By key: a scan may name one twice.
    const facts = new Map<string, DedupFact>();
    const walk = this.newWalk();
    for (let ended = false; !ended;) {
      const { keys, isLast } = await this.step(walk);
      for (const fact of await this.orphansAmong(keys)) facts.set(fact.key, fact);
      ended = isLast;
    }
    return [...facts.values()];
  }

  private newWalk(): KeyWalk {
    const pattern = `${literalPattern(this.keys.prefix)}:*:de:*`;
    return new KeyWalk(this.redis, pattern, SCAN_COUNT);
  }

  private async step(walk: KeyWalk): Promise<{ isLast: boolean; keys: DedupKey[] }> {
    const { keys: names, isLast } = await walk.step();
    const keys = names.flatMap((key) => {
      const [queue = '', part = '', ...rest] = key.slice(this.keys.prefix.length + 1).split(':');
      // A queue's name has no ":": another place of "de" means another kind of key.
      return part === 'de' && queue !== 'interlock' ? [{ key, queue, id: rest.join(':') }] : [];
    });
    return { isLast, keys };
  }

  private async orphansAmong(keys: DedupKey[]): Promise<DedupFact[]> {
    const facts: DedupFact[] = [];
    for (let from = 0; from < keys.length; from += BATCH) {
      const batch = keys.slice(from, from + BATCH);
      const answer = found.parse(
        await this.scripts.run(
          'findOrphanDedup',
          batch.map(({ key }) => key),
          batch.map(({ queue }) => this.keys.queue(queue, '')),
        ),
      );
      for (const [place, jobId, fate] of answer) {
        const key = batch[place - 1];
        if (key !== undefined) facts.push({ ...key, jobId, fate });
      }
    }
    return facts;
  }
}
