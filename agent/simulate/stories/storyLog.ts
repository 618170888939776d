import * as z from 'zod';
import type { RedisClient } from '../../redis/redisClient.ts';
import type { Scripts } from '../../redis/scripts.ts';
import type { StoryFact, StoryLine } from './storyRecord.ts';

/** Where the processes of a story meet, in its throw-away key space. */
export class StoryKeys {
  constructor(private readonly prefix: string) {}

  /** Stream: what happened, in the order of Redis. */
  get log(): string {
    return this.of('log');
  }

  /** Hash: the resource that runs write to, as a table of a user's database. */
  get resource(): string {
    return this.of('resource');
  }

  /** Counter: how many runs have begun. */
  get runs(): string {
    return this.of('runs');
  }

  /** Redis time at which the story begins, ms. */
  get zero(): string {
    return this.of('zero');
  }

  of(name: string): string {
    return `${this.prefix}:story:${name}`;
  }
}

export interface Telling {
  tone?: StoryLine['tone'];
  fact?: StoryFact;
}

/** What one actor of a story writes down. A process that is killed has told what it has done. */
export class StoryLog {
  constructor(
    private readonly redis: RedisClient,
    private readonly scripts: Scripts,
    readonly keys: StoryKeys,
    private readonly actor: string,
  ) {}

  async tell(text: string, telling: Telling = {}): Promise<void> {
    await this.redis.xadd(this.keys.log, '*', 'line', this.line(text, telling));
  }

  /** @returns 1 for the first run of the story, 2 for the next */
  nextRun(): Promise<number> {
    return this.redis.incr(this.keys.runs);
  }

  /**
   * Writes to the resource, which compares the fencing token with the highest one it has seen; null:
   * the writer has none, so there is nothing to compare.
   * @returns whether the resource took it
   */
  async write(run: number, fence: number | null): Promise<boolean> {
    const token = fence === null ? 'without a fencing token' : `with fence ${fence}`;
    const line = (answer: string, tone: Telling['tone'], accepted: boolean) =>
      this.line(`run ${run} writes ${token}: ${answer}`, {
        ...(tone === undefined ? {} : { tone }),
        fact: { kind: 'write', run, accepted },
      });
    const taken = await this.scripts.run(
      'writeStoryResource',
      [this.keys.resource, this.keys.log],
      [
        ...[fence ?? '', run],
        line('accepted', 'neutral', true),
        line('accepted, although a later run has written', 'bad', true),
        line('refused, a higher one was seen', 'good', false),
      ],
    );
    return z.number().parse(taken) === 1;
  }

  private line(text: string, { tone = 'neutral', fact }: Telling): string {
    const line: StoryLine = { actor: this.actor, text, tone, fact: fact ?? null };
    return JSON.stringify(line);
  }
}
