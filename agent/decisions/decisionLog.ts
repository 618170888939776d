import * as z from 'zod';
import { InterlockError } from '../common/errors.ts';
import type { Logger } from '../logging.ts';
import type { Decision } from '../protocol/decision.ts';
import type { Keys } from '../redis/keys.ts';
import type { RedisClient } from '../redis/redisClient.ts';
import { streamEntry } from '../redis/streamEntry.ts';
import { acceptedDecision, entryTimeMs, parseEntry, type AcceptedFields } from './decisionEntry.ts';
import { RefusalLines } from './refusalLines.ts';

/** The stream is trimmed near this many entries. */
export const MAX_DECISIONS = 10_000;
/** Entries that are read in one go. */
const CHUNK = 1_000;

export type DecisionFields = Omit<Decision, 'id' | 'at' | 'counts'> &
  Partial<Pick<Decision, 'counts'>>;

const streamEntries = z.array(streamEntry);

/** The record of every answer, in a capped Redis stream. */
export class DecisionLog {
  private time = { ms: NaN, text: '' };
  private readonly lines = new RefusalLines();

  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly logger: Logger,
    /** Called for each answer of this process. */
    private readonly onDecision?: (decision: Decision) => void,
  ) {}

  /** Records a decision now. */
  async record(fields: DecisionFields): Promise<Decision> {
    const written = { counts: null, ...fields };
    const id = await this.redis.xadd(
      ...([this.keys.decisions, 'MAXLEN', '~', MAX_DECISIONS, '*'] as const),
      ...(['decision', JSON.stringify(written)] as const),
    );
    const decision = { ...written, id: id ?? '', at: this.timeText(entryTimeMs(id ?? '')) };
    this.log(decision);
    return decision;
  }

  /**
   * What a script decided and recorded in one step with its effect.
   * @param answer `{'accepted', entry id}`, `{'accepted', '', ms}` for one that is not recorded, or
   *   `{'decided', entry id, decision as JSON}`
   * @param accepted what the decision says when it accepts
   * @throws InterlockError `payload_invalid` for `{'bullmq', code}`: BullMQ refuses the job
   */
  fromScript(answer: unknown, accepted: AcceptedFields): Decision {
    const [kind, entryId, what] = partsOf(answer);
    if (kind === 'bullmq') throw refusedByBullmq(accepted, entryId);
    const decision = this.decisionOf(kind, String(entryId), what, accepted);
    if (decision === undefined) throw unreadable(accepted);
    this.log(decision);
    return decision;
  }

  private decisionOf(
    kind: unknown,
    entryId: string,
    what: unknown,
    accepted: AcceptedFields,
  ): Decision | undefined {
    if (kind === 'accepted') {
      const atMs = entryId === '' ? Number(what) : entryTimeMs(entryId);
      return acceptedDecision(entryId, this.timeText(atMs), accepted);
    }
    if (kind !== 'decided' || typeof what !== 'string') return undefined;
    return parseEntry(entryId, ['decision', what]);
  }

  /**
   * Newest first, and how many there are in all.
   * @param matches left out: all of them; then no more is read than the page needs, and entries that
   *   are none of ours leave a gap in it
   */
  async list(
    limit: number,
    offset: number,
    matches?: (d: Decision) => boolean,
  ): Promise<{ rows: Decision[]; total: number }> {
    if (matches === undefined) return this.page(limit, offset);
    const rows: Decision[] = [];
    let total = 0;
    for await (const chunk of this.chunks(CHUNK)) {
      for (const [id, fields] of chunk) {
        const decision = parseEntry(id, fields);
        if (decision === undefined || !matches(decision)) continue;
        if (total >= offset && rows.length < limit) rows.push(decision);
        total += 1;
      }
    }
    return { rows, total };
  }

  /** How many are kept. */
  count(): Promise<number> {
    return this.redis.xlen(this.keys.decisions);
  }

  /** The newest ones, for a view. */
  async newest(count: number): Promise<Decision[]> {
    const raw = streamEntries.parse(
      await this.redis.xrevrange(this.keys.decisions, '+', '-', 'COUNT', count),
    );
    return raw.flatMap(([id, fields]) => parseEntry(id, fields) ?? []);
  }

  private async page(limit: number, offset: number): Promise<{ rows: Decision[]; total: number }> {
    const total = await this.count();
    const end = offset + limit;
    const rows: Decision[] = [];
    let at = 0;
    for await (const chunk of this.chunks(Math.min(CHUNK, end))) {
      const wanted = chunk.slice(Math.max(0, offset - at), end - at);
      rows.push(...wanted.flatMap(([id, fields]) => parseEntry(id, fields) ?? []));
      at += chunk.length;
      if (at >= end) break;
    }
    return { rows, total };
  }

  /** All entries, newest first, read bit by bit. */
  private async *chunks(size: number): AsyncGenerator<z.infer<typeof streamEntries>> {
    let before = '+';
    for (;;) {
      const raw = await this.redis.xrevrange(this.keys.decisions, before, '-', 'COUNT', size);
      const chunk = streamEntries.parse(raw);
      const last = chunk.at(-1)?.[0];
      if (last === undefined) return;
      yield chunk;
      if (chunk.length < size) return;
      before = `(${last}`;
    }
  }

  /** Many decisions are taken in one millisecond, and to write a date costs more than the rest of one. */
  private timeText(ms: number): string {
    if (ms !== this.time.ms) this.time = { ms, text: new Date(ms).toISOString() };
    return this.time.text;
  }

  private log(decision: Decision): void {
    this.onDecision?.(decision);
    const { id, action, subject, key, outcome, reason, survivor, counts } = decision;
    if (outcome === 'accepted') {
      this.logger.debug({ action, job_type: subject, key, outcome, reason }, 'accepted');
      return;
    }
    const kind = `${action} ${outcome} ${reason} ${subject} ${key}`;
    const leftOut = this.lines.take(kind, entryTimeMs(id));
    if (leftOut === undefined) return;
    this.logger.info(
      {
        ...{ action, job_type: subject, key, outcome, reason, survivor: survivor?.jobId },
        ...(counts === null ? {} : { pending_count: counts.queuedOrRunning }),
        ...(leftOut === 0 ? {} : { left_out: leftOut }),
      },
      'refused',
    );
  }
}

/** A script's answer is small and comes often: it is looked at without a schema. */
function partsOf(answer: unknown): unknown[] {
  return Array.isArray(answer) ? answer : [];
}

function refusedByBullmq({ subject }: AcceptedFields, code: unknown): InterlockError {
  return new InterlockError({
    code: 'payload_invalid',
    message: `BullMQ refuses the job of type ${subject}: code ${String(code)}.`,
    remedy: 'Look at the options of the job: it may name a parent that is gone.',
  });
}

function unreadable({ subject }: AcceptedFields): InterlockError {
  return new InterlockError({
    code: 'internal',
    message: `What Redis answered for ${subject} is no decision.`,
    remedy: 'Another version of Interlock may use this Redis: use one version for all agents.',
  });
}
