import * as z from 'zod';
import { parseJson } from '../common/json.ts';
import { holder as holderSchema, type Holder } from '../protocol/decision.ts';
import type { LeaderRow } from '../protocol/model.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { isHolderAlive } from '../state/processIdentity.ts';

/** Entries that are kept: about half as many leaders. */
const MOST_ENTRIES = 200;
/** Leaders that are shown. */
const LEADERS_SHOWN = 20;

const note = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('began'),
    fence: z.number(),
    holder: holderSchema,
    atMs: z.number(),
    /** How the one before it ended, when that did not say so itself. */
    formerDied: z.boolean(),
  }),
  z.object({ kind: z.literal('ended'), fence: z.number() }),
]);

export type LeaderNote = z.infer<typeof note> & { notedAtMs: number };

const streamEntries = z.array(z.tuple([z.string(), z.array(z.string())]));

/** The record of who held the scheduler's lock, in a capped Redis stream. */
export class LeaderHistory {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** @param provenDead the former holder was dead, as the lock was taken from it */
  async began(
    { fence, acquiredAtMs }: { fence: number; acquiredAtMs: number },
    holder: Holder,
    provenDead: boolean,
  ): Promise<void> {
    const former = (await this.notes(1))[0];
    const formerDied =
      provenDead || (former?.kind === 'began' && isHolderAlive(former.holder) === false);
    await this.write({ kind: 'began', fence, holder, atMs: acquiredAtMs, formerDied });
  }

  async ended(fence: number): Promise<void> {
    await this.write({ kind: 'ended', fence });
  }

  /**
   * Newest first.
   * @param currentFence of the lock as it is held now; null: nobody holds it
   */
  async rows(currentFence: number | null): Promise<LeaderRow[]> {
    return leaderRows(await this.notes(MOST_ENTRIES), currentFence).slice(0, LEADERS_SHOWN);
  }

  private async write(entry: z.infer<typeof note>): Promise<void> {
    const text = JSON.stringify(entry);
    await this.redis.xadd(this.keys.schedulerLeaders, 'MAXLEN', '~', MOST_ENTRIES, '*', 'is', text);
  }

  /** Newest first. */
  private async notes(count: number): Promise<LeaderNote[]> {
    const raw = await this.redis.xrevrange(this.keys.schedulerLeaders, '+', '-', 'COUNT', count);
    return streamEntries.parse(raw).flatMap(([id, [, text = '']]) => {
      const parsed = note.safeParse(parseJson(text));
      return parsed.success ? [{ ...parsed.data, notedAtMs: Number(id.split('-')[0]) }] : [];
    });
  }
}

/**
 * Leaders from what was noted of them. Pure, but for whether the last holder lives.
 * @param notes newest first
 */
export function leaderRows(
  notes: readonly LeaderNote[],
  currentFence: number | null,
  isAlive: (holder: Holder) => boolean | null = isHolderAlive,
): LeaderRow[] {
  const endedAtMs = new Map<number, number>();
  const rows: LeaderRow[] = [];
  let next: Extract<LeaderNote, { kind: 'began' }> | undefined;
  for (const one of notes) {
    if (one.kind === 'ended') {
      endedAtMs.set(one.fence, one.notedAtMs);
      continue;
    }
    const { fence, holder, atMs } = one;
    const alive = isAlive(holder);
    const end = endOf(fence, { next, currentFence, released: endedAtMs.has(fence), alive });
    const untilMs = end === 'holds' ? undefined : (endedAtMs.get(fence) ?? next?.atMs);
    rows.push({
      ...{ fence, holder: { ...holder, alive }, since: isoTime(atMs), end },
      until: untilMs === undefined ? null : isoTime(untilMs),
    });
    next = one;
  }
  return rows;
}

function endOf(
  fence: number,
  {
    next,
    currentFence,
    released,
    alive,
  }: {
    next: Extract<LeaderNote, { kind: 'began' }> | undefined;
    currentFence: number | null;
    released: boolean;
    alive: boolean | null;
  },
): LeaderRow['end'] {
  if (released) return 'released';
  if (next !== undefined) return next.formerDied ? 'died' : 'lost';
  if (alive === false) return 'died';
  return fence === currentFence ? 'holds' : 'lost';
}

function isoTime(ms: number): string {
  return new Date(ms).toISOString();
}
