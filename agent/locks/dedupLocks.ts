import * as z from 'zod';
import type { Clock } from '../common/clock.ts';
import type { LockRow } from '../protocol/model.ts';
import { literalPattern } from '../redis/keyWalk.ts';
import type { Keys } from '../redis/keys.ts';
import { pipelineAnswers } from '../redis/pipelineAnswers.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { isoOrNull, textField, timeField } from '../redis/redisFields.ts';
import { redisNowMs } from '../redis/redisNow.ts';
import type { Scripts } from '../redis/scripts.ts';
import { KeyScan } from './keyScan.ts';
import type { JobRef } from './lockedJobs.ts';
import { subjectOf } from './runLocks.ts';

/** Keys that are read in one script: Redis does nothing else meanwhile, for about 3 ms. */
const CHUNK = 1_000;

const answerSchema = z.array(z.tuple([z.number(), textField, textField, timeField, timeField]));

export interface DedupKey {
  key: string;
  queue: string;
  /** BullMQ's deduplication id. */
  id: string;
}

export interface DedupLocksOptions {
  redis: RedisClient;
  scripts: Scripts;
  keys: Keys;
  queueNames: () => string[];
  clock: Clock;
}

/** BullMQ's deduplication keys: each keeps a second job of its id out. */
export class DedupLocks {
  private readonly scan: KeyScan;

  constructor(private readonly options: DedupLocksOptions) {
    const { redis, keys, clock } = options;
    this.scan = new KeyScan(redis, `${literalPattern(keys.prefix)}:*:de:*`, clock);
  }

  /**
   * @param jobs whose keys are read whether or not the last look through all keys found them
   * @param maxAgeMs how old that look may be
   */
  async read(jobs: JobRef[], maxAgeMs: number): Promise<LockRow[]> {
    const { redis, keys } = this.options;
    const [found, fresh, nowMs] = await Promise.all([
      this.scan.keys(maxAgeMs),
      this.keysOf(jobs),
      redisNowMs(redis),
    ]);
    const known = new Map<string, DedupKey>();
    for (const key of found) {
      const parsed = parseKey(keys.prefix, this.options.queueNames(), key);
      if (parsed !== undefined) known.set(key, parsed);
    }
    for (const key of fresh) known.set(key.key, key);
    const all = [...known.values()];
    const rows: LockRow[] = [];
    for (let from = 0; from < all.length; from += CHUNK) {
      rows.push(...(await this.readChunk(all.slice(from, from + CHUNK), nowMs)));
    }
    return rows;
  }

  private async keysOf(jobs: JobRef[]): Promise<DedupKey[]> {
    const { redis, keys } = this.options;
    const pipeline = redis.pipeline();
    for (const { queue, id } of jobs) pipeline.hget(keys.job(queue, id), 'deid');
    const answers = await pipelineAnswers(pipeline);
    return jobs.flatMap(({ queue }, index) => {
      const id = textField.parse(answers[index] ?? null);
      return id === null ? [] : [{ key: keys.deduplication(queue, id), queue, id }];
    });
  }

  private async readChunk(chunk: DedupKey[], nowMs: number): Promise<LockRow[]> {
    const answers = answerSchema.parse(
      await this.options.scripts.run(
        'readUniqueKeys',
        chunk.map(({ key }) => key),
        chunk.map(({ queue }) => this.options.keys.queue(queue, '')),
      ),
    );
    // What is missing ended meanwhile, or is no key of BullMQ's.
    return chunk.flatMap((key, index) => {
      const answer = answers[index];
      return answer === undefined || answer[0] === -2 ? [] : toRow(key, answer, nowMs);
    });
  }
}

function toRow(
  { queue, id }: DedupKey,
  [ttlMs, jobId, name, createdMs, finishedMs]: z.infer<typeof answerSchema>[number],
  nowMs: number,
): LockRow {
  const type = name ?? typeOf(id);
  const jobEnded = createdMs === null || finishedMs !== null;
  return {
    name: `dedup:${queue}/${id}`,
    kind: 'dedup',
    subject: subjectOf(type, id),
    job: { queue, id: jobId ?? '?', type },
    holder: null,
    fence: null,
    acquiredAt: isoOrNull(createdMs),
    renewedAt: null,
    ttlMs: ttlMs < 0 ? null : ttlMs,
    ageMs: createdMs === null ? null : Math.max(0, nowMs - createdMs),
    // With a TTL it is a window, which may outlive its job.
    state: jobEnded && ttlMs < 0 ? 'orphaned' : 'held',
  };
}

/** Ours begin with the type. */
function typeOf(id: string): string {
  const bar = id.indexOf('|');
  return bar === -1 ? id : id.slice(0, bar);
}

function parseKey(prefix: string, queues: string[], key: string): DedupKey | undefined {
  const rest = key.slice(prefix.length + 1);
  // BullMQ allows no ":" in a queue's name.
  const queue = rest.slice(0, rest.indexOf(':'));
  const mark = `${queue}:de:`;
  if (!rest.startsWith(mark) || !queues.includes(queue)) return undefined;
  return { key, queue, id: rest.slice(mark.length) };
}
