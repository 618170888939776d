import { readFileSync } from 'node:fs';
import * as path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import * as z from 'zod';
import { parseEntry } from '../../agent/decisions/decisionEntry.ts';
import type { Decision } from '../../agent/protocol/decision.ts';
import type { Keys } from '../../agent/redis/keys.ts';
import { redisNowMs } from '../../agent/redis/redisNow.ts';
import { liveJob, type LiveJob, type QueueEvent } from './faultRecord.ts';

const LOOK_EVERY_MS = 40;
const PAGE = 2_000;

const SNAPSHOT = readFileSync(
  path.join(path.dirname(fileURLToPath(import.meta.url)), 'snapshot.lua'),
  'utf8',
);

const entries = z.array(z.tuple([z.string(), z.array(z.string())]));

export interface RedisWatchOptions {
  redis: Redis;
  keys: Keys;
  queues: string[];
  onSnapshot: (jobs: LiveJob[]) => void;
}

/** Reads Redis while faults happen: the jobs that live at one moment, and both records of the past. */
export class RedisWatch {
  readonly events: QueueEvent[] = [];
  readonly decisions: Decision[] = [];
  /** Entries of the decision stream that are none as agreed. */
  unreadable = 0;
  snapshots = 0;
  private readonly places = new Map<string, string>();
  private isClosed = false;
  private loop: Promise<void> = Promise.resolve();

  constructor(private readonly options: RedisWatchOptions) {}

  start(): void {
    this.loop = this.run();
  }

  /** Reads once more what is there, then ends. */
  async close(): Promise<void> {
    this.isClosed = true;
    await this.loop;
    await this.look();
  }

  /** By the clock that stands in the ids of events. */
  nowMs(): Promise<number> {
    return redisNowMs(this.options.redis);
  }

  /** Every job that has not ended. */
  async snapshot(): Promise<LiveJob[]> {
    const { redis, keys, queues } = this.options;
    const answer = z.array(z.string()).parse(await redis.eval(SNAPSHOT, 0, keys.prefix, ...queues));
    return answer.map((text) => liveJob.parse(JSON.parse(text)));
  }

  private async run(): Promise<void> {
    while (!this.closing()) {
      await this.look();
      await delay(LOOK_EVERY_MS);
    }
  }

  private closing(): boolean {
    return this.isClosed;
  }

  private async look(): Promise<void> {
    const { keys, queues } = this.options;
    this.options.onSnapshot(await this.snapshot());
    this.snapshots += 1;
    for (const queue of queues) {
      await this.readNew(keys.queue(queue, 'events'), (id, fields) => {
        const event = fieldsOf(fields);
        this.events.push({
          ...{ id, queue, event: event['event'] ?? '', jobId: event['jobId'] ?? '' },
          fields: event,
        });
      });
    }
    await this.readNew(keys.decisions, (id, fields) => {
      const decision = parseEntry(id, fields);
      if (decision === undefined) this.unreadable += 1;
      else this.decisions.push(decision);
    });
  }

  private async readNew(
    stream: string,
    take: (id: string, fields: string[]) => void,
  ): Promise<void> {
    for (;;) {
      const from = this.places.get(stream);
      const start = from === undefined ? '-' : `(${from}`;
      const page = entries.parse(
        await this.options.redis.xrange(stream, start, '+', 'COUNT', PAGE),
      );
      for (const [id, fields] of page) {
        take(id, fields);
        this.places.set(stream, id);
      }
      if (page.length < PAGE) return;
    }
  }
}

function fieldsOf(flat: string[]): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i + 1 < flat.length; i += 2) fields[flat[i] ?? ''] = flat[i + 1] ?? '';
  return fields;
}
