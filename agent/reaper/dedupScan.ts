import type { Redis } from 'ioredis';
import * as z from 'zod';
import type { Keys } from '../redis/keys.ts';
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
  private cursor = '0';

  constructor(
    private readonly redis: Redis,
    private readonly scripts: Scripts,
    private readonly keys: Keys,
  ) {}

  /** A bounded piece of the key space, from where the last one ended. */
  async scanSome(): Promise<DedupFact[]> {
    const facts: DedupFact[] = [];
    let seen = 0;
    for (let scans = 0; scans < SCANS_PER_LOOK && seen < KEYS_PER_LOOK; scans += 1) {
      const { next, keys } = await this.scan(this.cursor);
      seen += keys.length;
      facts.push(...(await this.orphansAmong(keys)));
      this.cursor = next;
      if (next === '0') break;
    }
    return facts;
  }

  /** The whole key space, in small calls. */
  async scanAll(): Promise<DedupFact[]> {
    // By key: a scan may name one twice.
    const facts = new Map<string, DedupFact>();
    let cursor = '0';
    do {
      const { next, keys } = await this.scan(cursor);
      for (const fact of await this.orphansAmong(keys)) facts.set(fact.key, fact);
      cursor = next;
    } while (cursor !== '0');
    return [...facts.values()];
  }

  private async scan(cursor: string): Promise<{ next: string; keys: DedupKey[] }> {
    const { prefix } = this.keys;
    const pattern = `${prefix.replaceAll(/[*?[\]\\]/g, '\\$&')}:*:de:*`;
    const [next, names] = await this.redis.scan(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
    const keys = names.flatMap((key) => {
      const [queue = '', part = '', ...rest] = key.slice(prefix.length + 1).split(':');
      // A queue's name has no ":": another place of "de" means another kind of key.
      return part === 'de' && queue !== 'interlock' ? [{ key, queue, id: rest.join(':') }] : [];
    });
    return { next, keys };
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
