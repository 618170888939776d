import * as z from 'zod';
import type { Keys } from '../redis/keys.ts';
import type { Scripts } from '../redis/scripts.ts';

/** A job that BullMQ counts as running. */
export interface ActiveJob {
  queue: string;
  id: string;
  type: string;
  /** Agent id, or the name of another BullMQ worker; '' when it has none. */
  worker: string;
  deduplicationId: string | null;
  startedAtMs: number | null;
  attemptsMade: number;
  /** How often it was started, this run included. */
  starts: number;
  /** Token of its lock; null without one: BullMQ sets it in the step that makes a job active. */
  lockToken: string | null;
  /** What is left of its lock; below zero without one, or without an end. */
  lockTtlMs: number;
}

const millis = z.coerce.number();

const rows = z.array(
  z.tuple([
    ...[z.string(), z.string().nullable(), z.string().nullable(), z.string().nullable()],
    ...[millis.nullable(), millis.nullable(), millis.nullable(), z.string().nullable(), z.number()],
  ] as const),
);

/** More than any fleet runs at one time; what began first comes first. */
const MOST_JOBS = 5_000;

/** The active jobs of a queue, the ones that began first in front: one call. */
export async function readActiveJobs(
  scripts: Scripts,
  keys: Keys,
  queue: string,
): Promise<ActiveJob[]> {
  const answer = rows.parse(
    await scripts.run(
      'readActiveJobs',
      [keys.queue(queue, 'active')],
      [keys.queue(queue, ''), MOST_JOBS],
    ),
  );
  return answer.map(
    ([id, type, worker, deid, startedAtMs, attempts, starts, lockToken, ttlMs]) => ({
      ...{ queue, id, type: type ?? '?', worker: worker ?? '', deduplicationId: deid },
      ...{ startedAtMs, attemptsMade: attempts ?? 0, starts: starts ?? 0 },
      ...{ lockToken, lockTtlMs: ttlMs },
    }),
  );
}
