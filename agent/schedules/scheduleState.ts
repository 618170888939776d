import * as z from 'zod';
import { parseJson } from '../common/json.ts';
import { decisionOutcome, decisionReason } from '../protocol/decision.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';

/** So many of a schedule's last slots are kept: enough for a view, and for its mean run time. */
export const LAST_SLOTS_KEPT = 10;

const millis = z.coerce.number();

const scheduleHash = z.object({
  /** The newest slot that is dealt with: enqueued, or accounted for. */
  slot: millis.optional(),
  /** `pending`: claimed, and nobody has said yet what it came to. */
  state: z.enum(['pending', 'done']).optional(),
  rule: z.string().optional(),
  outcome: z.string().optional(),
  by: z.string().optional(),
  /** The slot whose job was added, written in the step that adds it. */
  enqueued: millis.optional(),
  /** Slots that were missed, since the schedule began. */
  missed: millis.default(0),
  pausedAt: millis.optional(),
  /** The pause that ended last, until a scheduler has accounted for what passed in it. */
  heldFrom: millis.optional(),
  heldUntil: millis.optional(),
  /** A slot to come that a person does not want. */
  skipSlot: millis.optional(),
  /** Of a dynamic interval. */
  interval: millis.optional(),
  /** Grows with each thing that a person asks for. */
  rev: z.string().default(''),
});

/** What Redis knows of a schedule. Times are Redis' own, ms since the epoch. */
export type ScheduleState = z.infer<typeof scheduleHash>;

/** What one slot came to, or a stretch of slots that were not enqueued. */
const lastSlot = z.object({
  slot: z.number(),
  /** The last one of a stretch. */
  to: z.number().optional(),
  count: z.number().default(1),
  outcome: decisionOutcome,
  reason: decisionReason.nullable(),
  by: z.string(),
});

export type LastSlot = z.infer<typeof lastSlot>;

export async function readSchedule(
  redis: RedisClient,
  keys: Keys,
  name: string,
): Promise<ScheduleState> {
  return scheduleHash.parse(await redis.hgetall(keys.schedule(name)));
}

/** Newest first. What another version wrote and this one can not read is left out. */
export async function readLastSlots(
  redis: RedisClient,
  keys: Keys,
  name: string,
): Promise<LastSlot[]> {
  const lines = await redis.lrange(keys.scheduleSlots(name), 0, LAST_SLOTS_KEPT - 1);
  return lines.flatMap((line) => {
    const parsed = lastSlot.safeParse(parseJson(line));
    return parsed.success ? [parsed.data] : [];
  });
}
