import * as z from 'zod';
import { parseEntry } from '../../decisions/decisionEntry.ts';
import type { Decision } from '../../protocol/decision.ts';
import type { RedisClient } from '../../redis/redisClient.ts';
import { storyLine, type StoryRecord } from './storyRecord.ts';

const BLOCK_MS = 200;

const answer = z
  .array(z.tuple([z.string(), z.array(z.tuple([z.string(), z.array(z.string())]))]))
  .nullable();

export interface StoryTailOptions {
  /** A connection of its own: it waits in Redis. */
  redis: RedisClient;
  log: string;
  decisions: string;
  onRecord(record: StoryRecord): void;
  /** A decision that the product recorded in the story's key space. */
  onDecision(decision: Decision, atMs: number): void;
  onTrouble(error: unknown): void;
}

/** Follows what the processes of a story write down, and what the product decides. */
export class StoryTail {
  private closed = false;
  private loop: Promise<void> = Promise.resolve();

  constructor(private readonly options: StoryTailOptions) {}

  start(): void {
    this.loop = this.follow().catch((error: unknown) => {
      if (!this.closed) this.options.onTrouble(error);
    });
  }

  /** Ends after the next answer of Redis: what was written before is still told. */
  async close(): Promise<void> {
    this.closed = true;
    await this.loop;
  }

  private async follow(): Promise<void> {
    const { redis, log, decisions } = this.options;
    const positions = { log: '0', decisions: '0' };
    while (!this.closed) {
      const streams = answer.parse(
        await redis.xread(
          ...(['BLOCK', BLOCK_MS, 'STREAMS', log, decisions] as const),
          ...[positions.log, positions.decisions],
        ),
      );
      for (const [stream, entries] of streams ?? []) {
        for (const [id, fields] of entries) {
          if (stream === log) this.takeLine(id, fields);
          else this.takeDecision(id, fields);
          positions[stream === log ? 'log' : 'decisions'] = id;
        }
      }
    }
  }

  private takeLine(id: string, [, json = '']: string[]): void {
    const line = storyLine.parse(JSON.parse(json));
    this.options.onRecord({ ...line, atMs: timeOf(id) });
  }

  private takeDecision(id: string, fields: string[]): void {
    const decision = parseEntry(id, fields);
    if (decision === undefined) return;
    // Accepted ones are written a moment later, together.
    this.options.onDecision(decision, Math.min(timeOf(id), Date.parse(decision.at)));
  }
}

/** The id of a stream entry begins with the time of Redis. */
function timeOf(id: string): number {
  return Number(id.split('-')[0]);
}
